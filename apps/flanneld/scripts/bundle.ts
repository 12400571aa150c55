// Bundles the daemon into few files, so that it starts fast: dist/bin/start.js and its chunks.
import { readdir, rename, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { spawnSync } from 'node:child_process';
import { build } from 'esbuild';
import { etcdProtocol } from './etcd-protocol.ts';

const root = join(import.meta.dirname, '..');
const dist = join(root, 'dist');
// Beside the old bundle, which may run while this one is made, and stays when it cannot be.
const next = join(root, 'build', 'dist');
await rm(next, { recursive: true, force: true });
await build({
  entryPoints: [join(root, 'src', 'start.ts')],
  outdir: join(next, 'bin'),
  bundle: true,
  splitting: true,
  platform: 'node',
  format: 'esm',
  target: 'node22',
  conditions: ['@flannel-ts/source'],
  // The addon is found beside its package's own files.
  external: ['@flannel-ts/native'],
  // CommonJS dependencies in an ES module still call these.
  banner: {
    js: [
      "import { createRequire as __createRequire } from 'node:module';",
      'const require = __createRequire(import.meta.url), __dirname = import.meta.dirname, __filename = import.meta.filename;',
    ].join('\n'),
  },
  plugins: [etcdProtocol],
  // Names stay, for stack traces.
  minifySyntax: true,
  minifyWhitespace: true,
  legalComments: 'none',
  sourcemap: true,
  logLevel: 'warning',
});
await rm(dist, { recursive: true, force: true });
await rename(next, dist);
await fillCompileCache();

/** Fills the cache that ships with the bundle: the program is run, and what a task would load is loaded. */
async function fillCompileCache(): Promise<void> {
  const program = join(dist, 'bin', 'start.js');
  const run = (...args: string[]) => spawnSync(process.execPath, args, { stdio: 'ignore' });
  run(program, '--version');
  const files = await readdir(join(dist, 'bin'));
  const loaded = files.filter((file) => file.endsWith('.js') && !/^(start|main-.*)\.js$/.test(file));
  const urls = loaded.map((file) => pathToFileURL(join(dist, 'bin', file)).href);
  const load = `
    import { enableCompileCache } from 'node:module';
    enableCompileCache(${JSON.stringify(join(dist, 'cache'))});
    for (const url of ${JSON.stringify(urls)}) await import(url);
  `;
  run('--input-type=module', '--eval', load);
}
