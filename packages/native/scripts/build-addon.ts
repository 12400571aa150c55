// Compiles what changed of the addon, with the headers that come with the workspace's own Node: no download.
import { spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';

for (const tool of ['g++', 'make', 'python3']) {
  if (spawnSync(tool, ['--version']).error) {
    console.error(`The addon needs ${tool}. On Debian: apt-get install g++ make python3`);
    process.exit(1);
  }
}
const { status } = spawnSync('node-gyp', ['configure', 'build', '--loglevel=warn', ...headers()], {
  cwd: join(import.meta.dirname, '..'),
  stdio: ['ignore', process.stdout, process.stderr],
  env: { ...process.env, MAKEFLAGS: '--jobs=2' },
});
process.exit(status ?? 1);

/** Node's headers, where they lie beside the runtime; without them node-gyp fetches its own. */
function headers(): string[] {
  const require = createRequire(import.meta.url);
  try {
    const root = dirname(require.resolve(`node-linux-${process.arch}/package.json`));
    return existsSync(join(root, 'include/node/node_api.h')) ? [`--nodedir=${root}`] : [];
  } catch {
    return [];
  }
}
