import { mergeConfig } from 'vitest/config';
import base from '../../../vitest.base.ts';

// An emulated processor is about ten times slower than the machine's own.
export default mergeConfig(base, {
  test: {
    include: ['packages/*/test/**/*.test.ts', 'e2e/test/**/*.test.ts'],
    root: process.cwd(),
    testTimeout: 600_000,
    hookTimeout: 600_000,
    expect: { poll: { timeout: 60_000 } },
    maxWorkers: 1,
  },
});
