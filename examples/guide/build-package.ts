import { mkdtemp, readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { debianTree, run, runsOn, type Suite } from '@flannel-ts/lab';

const WORKSPACE = join(import.meta.dirname, '../..');
const BUILD = 'packaging/build-deb.ts';

/** What compiles the addon and builds the package; Node comes with the workspace. */
const TOOLS = ['dpkg-dev', 'g++', 'git', 'make', 'python3'];

// The workspace has its usual path in the tree. What is written there and in the tree goes with the mounts.
const BUILD_IN_TREE = `
set -e
tree=$1
workspace=$2
build=$3
out=$4
cd "$5"
mount -t tmpfs tmpfs .
cd "$5"
mkdir root tree tree-work workspace workspace-work
mount -t overlay -o "lowerdir=$tree,upperdir=tree,workdir=tree-work" overlay root
mkdir -p "root$workspace"
mount -t overlay -o "lowerdir=$workspace,upperdir=workspace,workdir=workspace-work" overlay "root$workspace"
mount -t proc proc root/proc
mount --bind /dev root/dev
mount --bind "$out" root/mnt
exec chroot root sh -e -c '
  cd "$1"
  export PATH="$1/node_modules/.bin:/usr/sbin:/usr/bin:/sbin:/bin"
  rm -r packages/native/build
  node packages/native/scripts/build-addon.ts
  node "$2" --out=/mnt
' build "$workspace" "$build"
`;

/**
 * Builds flanneld's package from the workspace for hosts of a suite and returns its path. The addon takes the
 * libraries of the system that compiles it: on a newer machine all of it happens in a tree of that suite.
 */
export async function buildPackage(directory: string, suite: Suite): Promise<string> {
  const out = await mkdtemp(join(directory, 'package-'));
  if (await runsOn(suite)) {
    await run([process.execPath, join(WORKSPACE, BUILD), `--out=${out}`]);
  } else {
    console.log(`building the package in a ${suite} system: what is compiled here does not run there`);
    const tree = await debianTree(suite, TOOLS);
    const mounts = await mkdtemp(join(directory, 'mounts-'));
    const places = [tree, WORKSPACE, BUILD, out, mounts];
    await run(['unshare', '--mount', 'sh', '-c', BUILD_IN_TREE, 'build', ...places]);
  }
  const [deb] = await readdir(out);
  return join(out, deb!);
}
