import { defineConfig } from 'vitest/config';

/** The one vitest configuration: every project runs from TypeScript source, without a build. */
export default defineConfig({
  resolve: { conditions: ['@flannel-ts/source', 'node', 'import', 'default'] },
  ssr: { resolve: { conditions: ['@flannel-ts/source', 'node', 'import', 'default'] } },
  test: {
    include: ['test/**/*.test.ts'],
    testTimeout: 60_000,
    hookTimeout: 120_000,
    // The kernel deletes namespaces of other tests under the lock that it changes devices with.
    expect: { poll: { timeout: 5_000 } },
  },
});
