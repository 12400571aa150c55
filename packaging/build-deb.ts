// Builds flanneld_VERSION_ARCH.deb from a built workspace: node packaging/build-deb.ts [--version V] [--out DIRECTORY]
// The same commit gives the same bytes.
import { execFileSync } from 'node:child_process';
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
  },
});
const epoch = process.env['SOURCE_DATE_EPOCH'] ?? lastCommit();
// A release comes after its candidates: 0.2.0-rc.1 is Debian's 0.2.0~rc.1.
const version = values.version.replace('-', '~');
const architecture = output('dpkg', '--print-architecture');
const tree = await mkdtemp(join(tmpdir(), 'flanneld-deb-'));
try {
  await stageTree(tree, { date: new Date(Number(epoch) * 1000) });
  await writeControl(tree, { version, architecture });
  await settleModes(tree);
  await mkdir(values.out, { recursive: true });
  const deb = join(values.out, `flanneld_${version}_${architecture}.deb`);
  // Level 3 packs Node in a second; xz would save a fifth and take minutes.
  const compression = ['-Zzstd', '-z3', '--threads-max=1'];
  execFileSync('dpkg-deb', [...compression, '--root-owner-group', '--build', tree, deb], {
    env: { ...process.env, SOURCE_DATE_EPOCH: epoch },
    stdio: ['ignore', 'ignore', 'inherit'],
  });
  console.log(deb);
} finally {
  await rm(tree, { recursive: true, force: true });
}

function lastCommit(): string {
  return output('git', '-C', workspace, 'log', '-1', '--format=%ct');
}

function output(file: string, ...args: string[]): string {
  return execFileSync(file, args, { encoding: 'utf8' }).trim();
}
