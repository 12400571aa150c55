import { defineConfig } from 'vitest/config';

/** Every project's tests in one run, for CI; `nx test NAME` runs one project. */
export default defineConfig({
  test: {
    projects: [
      'packages/*/vitest.config.ts',
      'apps/*/vitest.config.ts',
      'bench/vitest.config.ts',
      'e2e/vitest.config.ts',
      'examples/vitest.config.ts',
      'simulation/vitest.config.ts',
    ],
    // Most tests wait for etcd or the kernel: two at a time also on a machine with two cores.
    maxWorkers: 2,
  },
});
