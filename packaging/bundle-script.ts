import { build } from 'esbuild';

/** Bundles a script and all its dependencies into one file. */
export async function bundleScript(entry: string, outfile: string): Promise<void> {
  await build({
    entryPoints: [entry],
    outfile,
    bundle: true,
    platform: 'node',
    format: 'esm',
    target: 'node22',
    conditions: ['@flannel-ts/source'],
    // CommonJS dependencies in an ES module still call these.
    banner: {
      js: [
        "import { createRequire as __createRequire } from 'node:module';",
        'const require = __createRequire(import.meta.url), __dirname = import.meta.dirname, __filename = import.meta.filename;',
      ].join('\n'),
    },
    legalComments: 'none',
    logLevel: 'warning',
  });
}
