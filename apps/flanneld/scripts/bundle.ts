// Bundles the daemon into few files, so that it starts fast: dist/bin/start.js and its chunks, and compile.js.
import { rename, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { spawnSync } from 'node:child_process';
import { build } from 'esbuild';
import { etcdProtocol } from './etcd-protocol.ts';

const root = join(import.meta.dirname, '..');
const dist = join(root, 'dist');
// Beside the old bundle, which may run while this one is made, and stays when it cannot be.
const next = join(root, 'build', 'dist');
await rm(next, { recursive: true, force: true });
await build({
  entryPoints: [join(root, 'src', 'start.ts'), join(root, 'src', 'compile.ts')],
  outdir: join(next, 'bin'),
  bundle: true,
  splitting: true,
  platform: 'node',
  format: 'esm',
  target: 'node22',
  conditions: ['@flannel-ts/source'],
  // The addon is found beside its package's own files.
  external: ['@flannel-ts/native'],
  // CommonJS dependencies in an ES module still use these.
  banner: {
    js: "import { createRequire as __createRequire } from 'node:module'; const require = __createRequire(import.meta.url);",
  },
  define: { __dirname: 'import.meta.dirname', __filename: 'import.meta.filename' },
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
// Fills the compile cache that ships with the bundle.
const run = (script: string, ...args: string[]) =>
  spawnSync(process.execPath, [join(dist, 'bin', script), ...args], { stdio: 'ignore' });
run('start.js', '--version');
run('compile.js');
