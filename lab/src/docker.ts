import { existsSync } from 'node:fs';
import { copyFile, mkdir, mkdtemp, readdir, readFile, rm } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { run, start, type RunningProcess } from './command.ts';
import { dockerEngine, type EngineRelease } from './docker-engine.ts';
import type { Container } from './container.ts';
import { runContainer } from './docker-container.ts';
import type { Host } from './lab.ts';

export interface DockerOptions {
  /** @default '20.10' */
  readonly engine?: EngineRelease | undefined;
  /** Words of `DOCKER_NETWORK_OPTIONS` or `DOCKER_OPTS`: `--bip=10.5.69.1/24`, `--mtu=1450`. */
  readonly options: readonly string[];
  /** Path of the socket on which it serves its API. @default in a directory of its own */
  readonly socket?: string;
}

/** A real Docker Engine of one host, with no image but {@link Docker.image}. */
export interface Docker extends AsyncDisposable {
  /** Path of the socket on which it serves its API. */
  readonly socket: string;
  /** What it was started with: {@link DockerOptions.options}. */
  readonly options: readonly string[];
  /** Name of an image with busybox alone. */
  readonly image: string;
  /** Runs the `docker` client against this engine and returns what it prints. @throws {CommandError} */
  run(...args: string[]): Promise<string>;
  /** Runs a container of {@link Docker.image}, with more options of `docker run`. It goes with the engine. */
  addContainer(...options: string[]): Promise<Container>;
  /** Runs `docker-compose` over the text of a compose file, as the project `lab`. @throws {CommandError} */
  compose(file: string, ...args: string[]): Promise<string>;
  /** Ends the engine with its containers, starts it again on what it keeps on disk, and waits until it serves. */
  restart(): Promise<void>;
}

const IMAGE = 'busybox';

// dockerd writes below /etc/docker, /opt and /run; the machine sees none of it, and its own daemon.json is not read.
const IN_PRIVATE_MOUNTS = `
set -e
directory=$1
dockerd=$2
shift 2
mount -t tmpfs tmpfs /run
mount -t tmpfs tmpfs /opt
mount -t overlay -o "lowerdir=/etc,upperdir=$directory/etc,workdir=$directory/etc-work" overlay /etc
rm -rf /etc/docker
exec "$dockerd" "$@"
`;

/**
 * Starts a Docker Engine in the host's network namespace, in mount and process namespaces of its own, and
 * waits until it serves. What it adds to `options` says only where its files are. Containers end with the
 * engine, and the engine with this process.
 */
export async function startDocker(
  host: Host,
  { engine = '20.10', options, socket: path }: DockerOptions,
): Promise<Docker> {
  await using stack = new AsyncDisposableStack();
  const programs = await dockerEngine(engine);
  const directory = await mkdtemp(join(host.directory, 'docker-'));
  stack.defer(() => rm(directory, { recursive: true, force: true }));
  const cgroup = `${host.namespace}-${basename(directory)}`;
  stack.defer(() => deleteCgroups(cgroup));
  const socket = path ?? join(directory, 'docker.sock');
  await Promise.all(['etc', 'etc-work'].map((name) => mkdir(join(directory, name))));
  const command = [
    ...['nsenter', `--net=${host.path}`],
    ...['unshare', '--mount', '--pid', '--fork', '--kill-child', '--mount-proc'],
    ...['env', `PATH=${programs.path}:${process.env['PATH'] ?? ''}`],
    ...['sh', '-c', IN_PRIVATE_MOUNTS, 'dockerd', directory, programs.dockerd],
    ...[`--host=unix://${socket}`, `--data-root=${join(directory, 'data')}`, `--cgroup-parent=/${cgroup}`],
    ...options,
  ];
  let daemon = start(command);
  stack.defer(() => stop(daemon));
  const env = { ...process.env, DOCKER_HOST: `unix://${socket}`, DOCKER_CONFIG: join(directory, 'client') };
  const docker = (...args: string[]) => run([programs.docker, ...args], { env });
  await daemon.line(/API listen on/);
  stack.defer(() => removeContainers(docker));
  await docker('import', await packImage(directory), IMAGE);
  const all = stack.move();
  return {
    socket,
    options,
    image: IMAGE,
    run: docker,
    addContainer: async (...options) =>
      all.use(await runContainer({ host, docker, pid: daemon.pid }, [...options, IMAGE])),
    compose: (file, ...args) =>
      run([programs.compose, '--file=-', '--project-name=lab', ...args], { input: file, env }),
    async restart() {
      await stop(daemon);
      daemon = start(command);
      await daemon.line(/API listen on/);
    },
    [Symbol.asyncDispose]: () => all.disposeAsync(),
  };
}

/** A root file system with busybox, under the names of all its applets, as a tar archive. */
async function packImage(directory: string): Promise<string> {
  const root = join(directory, 'root');
  const archive = join(directory, 'root.tar');
  await mkdir(join(root, 'bin'), { recursive: true });
  await copyFile('/bin/busybox', join(root, 'bin/busybox'));
  await run(['chroot', root, '/bin/busybox', '--install', '-s', '/bin']);
  await run(['tar', '--create', `--file=${archive}`, `--directory=${root}`, '.']);
  return archive;
}

/** Without a wait for programs that ignore SIGTERM, as `sleep` does for process 1. */
async function removeContainers(docker: Docker['run']): Promise<void> {
  const ids = (await docker('ps', '--all', '--quiet')).split('\n').filter((id) => id !== '');
  if (ids.length > 0) await docker('rm', '--force', '--volumes', ...ids);
}

/** The program that was started is `unshare`, which passes no signal on; dockerd is its child. */
async function stop(daemon: RunningProcess): Promise<void> {
  const children = await readFile(`/proc/${daemon.pid}/task/${daemon.pid}/children`, 'utf8').catch(() => '');
  const dockerd = Number(children.trim());
  if (dockerd) process.kill(dockerd, 'SIGTERM');
  await daemon.stop();
}

/**
 * The engine removes its containers' groups, and leaves the one around them, in each hierarchy. Only this engine's are
 * looked at: those of others may vanish meanwhile, which `find` takes for an error.
 */
async function deleteCgroups(name: string): Promise<void> {
  const root = '/sys/fs/cgroup';
  const entries = await readdir(root, { withFileTypes: true });
  const hierarchies = entries.filter((entry) => entry.isDirectory()).map((entry) => join(root, entry.name));
  const groups = [root, ...hierarchies].map((path) => join(path, name)).filter((path) => existsSync(path));
  if (groups.length > 0) await run(['find', ...groups, '-depth', '-type', 'd', '-delete']);
}
