// Builds flanneld_VERSION_ARCH.deb from a built workspace:
// node packaging/build-deb.ts [--version V] [--out DIRECTORY] [--lintian]
// The same commit gives the same bytes.
import { execFileSync, spawnSync } from 'node:child_process';
import { mkdir, mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { writeControl } from './control.ts';
import { workspace } from './paths.ts';
import { settleModes } from './settle-modes.ts';
import { stageTree } from './stage.ts';

const manifest = JSON.parse(await readFile(join(workspace, 'package.json'), 'utf8')) as { version: string };
const { values } = parseArgs({
  options: {
    version: { type: 'string', default: manifest.version },
    out: { type: 'string', default: join(import.meta.dirname, 'dist') },
    lintian: { type: 'boolean', default: false },
  },
});
const epoch = process.env['SOURCE_DATE_EPOCH'] ?? lastCommit();
// A release comes after its candidates: 0.2.0-rc.1 is Debian's 0.2.0~rc.1.
const version = values.version.replace('-', '~');
const architecture = output('dpkg', '--print-architecture');
const tree = await mkdtemp(join(tmpdir(), 'flanneld-deb-'));
try {
  await stageTree(tree, { version, date: new Date(Number(epoch) * 1000) });
  await writeControl(tree, { version, architecture });
  await settleModes(tree);
  await mkdir(values.out, { recursive: true });
  const deb = join(values.out, `flanneld_${version}_${architecture}.deb`);
  // Every dpkg reads gzip. Level 3 packs Node in two seconds; xz would save a fifth and take minutes.
  const compression = ['-Zgzip', '-z3'];
  execFileSync('dpkg-deb', [...compression, '--root-owner-group', '--build', tree, deb], {
    env: { ...process.env, SOURCE_DATE_EPOCH: epoch },
    stdio: ['ignore', 'ignore', 'inherit'],
  });
  console.log(deb);
  if (values.lintian) checkByLintian(deb);
} finally {
  await rm(tree, { recursive: true, force: true });
}

/** Debian's own check; what the package's overrides justify does not count. */
function checkByLintian(deb: string): void {
  const { status, error } = spawnSync('lintian', ['--allow-root', '--fail-on=error,warning', deb], {
    stdio: 'inherit',
  });
  if (error) throw new Error('lintian cannot be run; install it: apt-get install lintian', { cause: error });
  if (status !== 0) process.exitCode = 1;
}

function lastCommit(): string {
  return output('git', '-C', workspace, 'log', '-1', '--format=%ct');
}

function output(file: string, ...args: string[]): string {
  return execFileSync(file, args, { encoding: 'utf8' }).trim();
}
