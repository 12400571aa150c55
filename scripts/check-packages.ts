// Checks every package that is published: its manifest and files (publint), and that its types resolve (attw).
import { spawnSync } from 'node:child_process';
import { glob, readFile } from 'node:fs/promises';
import { dirname } from 'node:path';

const failures: string[] = [];
for await (const file of glob(['packages/*/package.json', 'apps/*/package.json'])) {
  const manifest = JSON.parse(await readFile(file, 'utf8')) as { exports?: object };
  const directory = dirname(file);
  check('publint', '--strict', directory);
  if (manifest.exports)
    check('attw', '--pack', directory, '--profile', 'esm-only', '--format', 'ascii', '--quiet');
}
if (failures.length > 0) console.log(failures.join('\n'));
process.exitCode = failures.length > 0 ? 1 : 0;

function check(...command: string[]): void {
  const { status, stdout, stderr } = spawnSync(command[0]!, command.slice(1), { encoding: 'utf8' });
  if (status !== 0) failures.push(`${command.join(' ')}\n${stdout}${stderr}`);
}
