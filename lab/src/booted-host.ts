import { mkdir, mkdtemp, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { createCgroup } from './cgroup.ts';
import { run, start, type RunningProcess } from './command.ts';
import { ENTER_SYSTEM, MOUNT_SYSTEM } from './debian/mounts.ts';
import type { Host } from './lab.ts';

export interface BootOptions {
  /** Root directory of the Debian system to boot, read only: see {@link debianTree}. @default this machine's */
  readonly root?: string;
}

/** A host of the lab that runs a Debian system under systemd. What it changes goes with it. */
export interface BootedHost extends AsyncDisposable {
  /** Id, on this machine, of its process 1. */
  readonly pid: number;
  /** Runs a command on it to its end and returns its standard output. @throws {CommandError} */
  run(...command: string[]): Promise<string>;
  /** Starts a program on it, which ends with it. */
  start(command: readonly string[]): RunningProcess;
}

// The file system is an overlay over the given one; /dev, /run and /tmp are its own, and `shared` is /mnt.
// systemd-sysctl and binfmt would change settings of the one kernel.
const BOOT = `
set -e
directory=$1
shared=$2
lower=$3
root=$directory/root
mount -t tmpfs tmpfs "$directory/layer"
mkdir "$directory/layer/upper" "$directory/layer/work"
mount -t overlay -o "lowerdir=$lower,upperdir=$directory/layer/upper,workdir=$directory/layer/work" overlay "$root"
${MOUNT_SYSTEM}
mount --bind "$shared" "$root/mnt"
: > "$root/etc/fstab"
for unit in systemd-sysctl systemd-binfmt; do
  ln -sf /dev/null "$root/etc/systemd/system/$unit.service"
done
# A container image may forbid services, and man-db's index takes long.
rm -f "$root/usr/sbin/policy-rc.d" "$root/var/lib/man-db/auto-update"
cat > "$root/etc/systemd/system/booted.service" <<EOT
[Service]
Type=oneshot
ExecStart=/bin/sh -c 'echo booted > /mnt/booted'
EOT
${ENTER_SYSTEM}
exec env -i container=lab PATH=/usr/sbin:/usr/bin:/sbin:/bin /lib/systemd/systemd --unit=booted.service
`;

/** Boots systemd in the host's network namespace; the directory `shared` is /mnt on it. */
export async function bootHost(
  host: Host,
  shared: string,
  { root = '/' }: BootOptions = {},
): Promise<BootedHost> {
  await using stack = new AsyncDisposableStack();
  const directory = await mkdtemp(join(host.directory, 'booted-'));
  await Promise.all(['layer', 'root'].map((name) => mkdir(join(directory, name))));
  const cgroup = stack.use(await createCgroup(`${host.namespace}-systemd`));
  const fifo = join(shared, 'booted');
  await run(['mkfifo', fifo]);
  const booted = stack.use(start(['cat', fifo]));
  const unshare = ['unshare', '--mount', '--pid', '--fork', '--kill-child', '--cgroup', '--uts', '--ipc'];
  const system = start([
    ...cgroup.prefix,
    ...['nsenter', `--net=${host.path}`, ...unshare, '--'],
    ...['setpriv', '--bounding-set=-sys_module,-sys_time,-sys_boot'],
    ...['sh', '-c', BOOT, 'boot', directory, shared, root],
  ]);
  stack.defer(async () => {
    // All processes have ended when their process 1 has; unshare ends after it.
    const init = await childOf(system);
    if (init) process.kill(init, 'SIGKILL');
    await system.exited;
  });
  await Promise.race([
    booted.line(/booted/),
    system.exited.then(() => {
      throw new Error(`systemd ended:\n${system.lines.join('\n')}`);
    }),
  ]);
  const pid = (await childOf(system))!;
  const inside = ['nsenter', `--target=${pid}`, '--all', '--root', '--wd'];
  const all = stack.move();
  return {
    pid,
    run: (...command) => run([...inside, ...command]),
    start: (command) => start([...inside, ...command]),
    [Symbol.asyncDispose]: () => all.disposeAsync(),
  };
}

async function childOf({ pid }: RunningProcess): Promise<number | undefined> {
  const children = await readFile(`/proc/${pid}/task/${pid}/children`, 'utf8').catch(() => '');
  return Number(children.trim()) || undefined;
}
