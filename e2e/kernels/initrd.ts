import { chmod, copyFile, cp, mkdir, writeFile } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { run } from '@flannel-ts/lab';
import type { KernelTree } from './kernel-tree.ts';

/** What the guest needs to mount the machine's root. */
const MODULES = ['virtio_pci', 'virtio_rng', 'virtiofs', 'overlay'];

const GUEST = join(import.meta.dirname, 'guest');

// busybox loads modules only as they are; Debian compresses them since 13.
const PACK = `
set -e
cd "$1"
for file in modules/*.xz; do
  [ ! -e "$file" ] || unxz "$file"
done
find . | busybox cpio -o -H newc > "$2"
`;

/**
 * Makes the guest's first file system: busybox, the modules for the machine's root, and the program that runs there.
 * @param directory - an empty one for the files
 * @param args - the program's arguments
 */
export async function makeInitrd(
  kernel: KernelTree,
  directory: string,
  args: readonly string[],
): Promise<string> {
  const root = join(directory, 'root');
  await mkdir(join(root, 'bin'), { recursive: true });
  await mkdir(join(root, 'modules'));
  await copyFile('/bin/busybox', join(root, 'bin/busybox'));
  await cp(GUEST, join(root, 'guest'), { recursive: true });
  await copyFile(join(GUEST, 'init.sh'), join(root, 'init'));
  await chmod(join(root, 'init'), 0o755);
  await writeFile(join(root, 'guest/arguments'), [kernel.modules, ...args].map((arg) => `${arg}\n`).join(''));
  const files = await findModules(kernel);
  for (const file of files) await copyFile(file, join(root, 'modules', basename(file)));
  const names = files.map((file) => basename(file).replace(/\.xz$/, ''));
  await writeFile(join(root, 'modules/order'), names.map((name) => `${name}\n`).join(''));
  const initrd = join(directory, 'initrd');
  await run(['sh', '-c', PACK, 'sh', root, initrd]);
  return initrd;
}

/** The files of the modules and of what they need, in the order to load them in. */
async function findModules({ modules, release }: KernelTree): Promise<string[]> {
  const base = join(modules, '../..');
  const options = ['--dirname', base, '--set-version', release, '--show-depends', '--all'];
  const lines = (await run(['modprobe', ...options, ...MODULES])).split('\n');
  return [...new Set(lines.flatMap((line) => /^insmod (\S+)/.exec(line)?.[1] ?? []))];
}
