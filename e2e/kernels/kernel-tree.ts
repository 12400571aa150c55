import { existsSync } from 'node:fs';
import { mkdtemp, rename, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { run } from '@flannel-ts/lab';
import { openArchive, type Archive } from './apt.ts';
import { compareReleases, type KernelPackages } from './kernel-packages.ts';

/** A kernel of Debian that can be chosen. */
interface KernelChoice {
  /** The suites that may have it; the newest kernel among them counts. */
  readonly suites: readonly string[];
  /** Whether tunnels must have a fast path there. */
  readonly fastPath: boolean;
}

export const KERNELS = {
  '6.1': { suites: ['bookworm'], fastPath: false },
  '6.12': { suites: ['trixie'], fastPath: true },
  newest: { suites: ['forky', 'sid'], fastPath: true },
} as const satisfies Readonly<Record<string, KernelChoice>>;

export type KernelName = keyof typeof KERNELS;

/** An unpacked kernel of Debian. */
export interface KernelTree {
  /** As `uname -r` prints it. */
  readonly release: string;
  readonly suite: string;
  /** The compressed kernel. */
  readonly image: string;
  /** The directory that `/lib/modules` is to be. */
  readonly modules: string;
}

/** Finds the present kernel in Debian's archive and unpacks it below `cache`, unless it is there. Nothing is installed. */
export async function unpackKernel(name: KernelName, cache: string): Promise<KernelTree> {
  const candidates = [];
  for (const suite of KERNELS[name].suites) {
    const archive = await openArchive(suite, cache);
    candidates.push({ suite, archive, kernel: await archive.kernel() });
  }
  const [newest] = candidates.sort((a, b) => compareReleases(b.kernel.release, a.kernel.release));
  const { suite, archive, kernel } = newest!;
  const tree = join(cache, kernel.release);
  if (!existsSync(tree)) await unpack(archive, kernel, tree);
  return describeTree(tree, suite, kernel);
}

/** The directory appears complete or not at all. */
async function unpack(archive: Archive, { packages, release }: KernelPackages, tree: string): Promise<void> {
  const unfinished = await mkdtemp(`${tree}-`);
  try {
    for (const file of await archive.download(packages, unfinished)) {
      await run(['dpkg', '--extract', file, unfinished]);
      await rm(file);
    }
    await run(['depmod', '--basedir', moduleBase(unfinished), release]);
    await rename(unfinished, tree);
  } finally {
    await rm(unfinished, { recursive: true, force: true });
  }
}

/** Since Debian 14 packages have their files in /usr, and the kernel is beside its modules. */
function describeTree(tree: string, suite: string, { release }: KernelPackages): KernelTree {
  const modules = join(moduleBase(tree), 'lib/modules');
  const images = [join(tree, 'boot', `vmlinuz-${release}`), join(modules, release, 'vmlinuz')];
  const image = images.find((path) => existsSync(path));
  if (!image) throw new Error(`${release} must have its kernel at ${images.join(' or ')}`);
  return { release, suite, image, modules };
}

function moduleBase(tree: string): string {
  return existsSync(join(tree, 'usr/lib/modules')) ? join(tree, 'usr') : tree;
}
