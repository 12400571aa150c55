import { existsSync } from 'node:fs';
import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { run } from '../command.ts';

/** Outside the workspace, so that a fresh clone finds what an earlier one has made. */
const CACHE = '/var/cache/flannel-ts';

// The directory appears complete or not at all; mounts end with their namespace.
const MAKE = `
set -e
directory=$1
script=$2
shift 2
[ ! -e "$directory" ] || exit 0
rm -rf "$directory.new"
mkdir "$directory.new"
cd "$directory.new"
eval "$script"
cd /
mv "$directory.new" "$directory"
`;

/**
 * Returns the directory `name` of the machine's cache, made by a shell script that fills its working directory if
 * there is none yet. Processes that ask for the same one at once wait for the first.
 * @param args - the script's `$1`, `$2`, …
 */
export async function cachedDirectory(
  name: string,
  script: string,
  args: readonly string[] = [],
): Promise<string> {
  const directory = join(CACHE, name);
  if (existsSync(directory)) return directory;
  await mkdir(CACHE, { recursive: true });
  const alone = ['flock', `${directory}.lock`, 'unshare', '--mount'];
  await run([...alone, 'sh', '-c', MAKE, 'make', directory, script, ...args]);
  return directory;
}
