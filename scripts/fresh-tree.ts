// A Debian system as its installer leaves it, with Node, npm, git and a clone of this repository, for check-fresh.ts.
import { cp, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import {
  createCgroup,
  debianTree,
  ENTER_SYSTEM,
  MOUNT_SYSTEM,
  run,
  start,
  type Suite,
} from '../lab/src/index.ts';

/** `debian` is the suite's own nodejs and npm; a number is that release of Node with the npm it comes with. */
export const NODES = ['debian', '22', '24'] as const;
export type NodeChoice = (typeof NODES)[number];

export interface FreshTree {
  /** Runs a shell script in the tree as root, ends it when aborted, and returns its exit code. */
  run(script: string, onLine: (line: string) => void, signal: AbortSignal): Promise<number | NodeJS.Signals>;
}

const NPM = { '22': 'npm@10', '24': 'npm@11' } as const;

const PATH = '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin';
/** Where the lab keeps the trees that it makes: shared, so that none is made twice. */
const TREES = '/var/cache/flannel-ts';

// Without systemd, /dev lacks what follows.
const ENTER = `
set -e
root=$1
script=$2
shift 2
mount --bind "$root" "$root"
${MOUNT_SYSTEM}
mount -t devpts -o newinstance,ptmxmode=666,mode=620,gid=5 devpts "$root/dev/pts"
ln -s pts/ptmx "$root/dev/ptmx"
ln -s /proc/self/fd "$root/dev/fd"
ln -s fd/0 "$root/dev/stdin"
ln -s fd/1 "$root/dev/stdout"
ln -s fd/2 "$root/dev/stderr"
for directory in "$@"; do
  mkdir -p "$root$directory"
  mount --bind "$directory" "$root$directory"
done
${ENTER_SYSTEM}
exec sh -c "$script"
`;

/** Makes the tree in a temporary directory, gives it to `use`, and removes it. */
export async function withFreshTree<T>(
  suite: Suite,
  node: NodeChoice,
  use: (tree: FreshTree) => Promise<T>,
): Promise<T> {
  await using stack = new AsyncDisposableStack();
  const directory = await mkdtemp(join(tmpdir(), 'flannel-ts-fresh-'));
  stack.defer(() => rm(directory, { recursive: true, force: true }));
  const root = join(directory, 'root');
  const packages = node === 'debian' ? ['git', 'nodejs', 'npm'] : ['git'];
  await run(['cp', '--archive', await debianTree(suite, packages), root]);
  if (node !== 'debian') await installNode(root, node);
  // As in a container image: what setup installs must not start beside the machine's own services.
  await writeFile(join(root, 'usr/sbin/policy-rc.d'), '#!/bin/sh\nexit 101\n', { mode: 0o755 });
  await cp('/etc/resolv.conf', join(root, 'etc/resolv.conf'), { dereference: true });
  await run(['git', 'bundle', 'create', '--quiet', join(root, 'root/flannel-ts.bundle'), 'HEAD']);
  const { shared, env } = await npmSettings(root);
  const cgroup = stack.use(await createCgroup(`flannel-ts-fresh-${process.pid}`));
  return await use({
    async run(script, onLine, signal) {
      const unshare = ['unshare', '--mount', '--pid', '--fork', '--kill-child', '--cgroup', '--uts', '--ipc'];
      const enter = ['sh', '-c', ENTER, 'enter', root, script, TREES, ...shared];
      await using system = start([...cgroup.prefix, ...unshare, ...enter], { env });
      const end = () => void cgroup.kill();
      signal.addEventListener('abort', end);
      system.onLine(onLine);
      return await system.exited.finally(() => signal.removeEventListener('abort', end));
    },
  });
}

async function installNode(root: string, node: keyof typeof NPM): Promise<void> {
  const packages = [`node-linux-${process.arch}@${node}`, NPM[node]];
  await run(['npm', 'install', '--global', '--prefix', join(root, 'usr/local'), ...packages]);
}

/** What lets npm in the tree reach the registry as on this machine, and share its cache. */
async function npmSettings(root: string): Promise<{ shared: string[]; env: NodeJS.ProcessEnv }> {
  const config = JSON.parse(await run(['npm', 'config', 'list', '--json'])) as {
    readonly registry: string;
    readonly cache: string;
    readonly cafile: string | null;
  };
  const { registry, cache, cafile } = config;
  const env = { PATH, HOME: '/root', LANG: 'C', npm_config_registry: registry, npm_config_cache: cache };
  if (cafile === null) return { shared: [cache], env };
  await cp(cafile, join(root, 'root/ca.crt'), { dereference: true });
  return { shared: [cache], env: { ...env, npm_config_cafile: '/root/ca.crt' } };
}
