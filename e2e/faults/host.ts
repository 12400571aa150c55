import { mkdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { run, type Container, type Host, type RunningProcess } from '@flannel-ts/lab';

/** A host whose daemon, files, links and addresses are the objects of faults. */
export interface FaultHost extends Host {
  /** The daemon that runs, or ran last. */
  readonly daemon: RunningProcess;
  /** Lines of all daemons of this host, oldest first. */
  readonly logs: () => readonly string[];
  /** Whether a daemon is to run: false between {@link FaultHost.kill} and {@link FaultHost.startDaemon}. */
  readonly live: boolean;
  /** The address of `eth0`, which a fault may change. */
  underlayAddress: string;
  /** Directory of subnet.env: a file system of its own, of 256 KiB, as only programs of this host see it. */
  readonly files: string;
  startDaemon(): void;
  kill(signal?: 'SIGKILL' | 'SIGTERM'): Promise<void>;
  /** Runs a command where {@link FaultHost.files} is to be seen. */
  inFiles(...command: string[]): Promise<string>;
  /** What subnet.env says; empty while there is none. */
  subnetEnv(): Promise<Readonly<Record<string, string>>>;
  /** Gives docker0 and the container the addresses of subnet.env, as an operator restarts Docker. */
  fitContainer(): Promise<Container>;
}

export const HEALTH_PORT = 8471;

/** Takes a host of the lab; its daemon is started with {@link FaultHost.startDaemon}. */
export async function createFaultHost(host: Host, command: readonly string[]): Promise<FaultHost> {
  const files = join(host.directory, 'run');
  await mkdir(files);
  const mount = 'mount -t tmpfs -o size=256k tmpfs "$0" && echo mounted && exec sleep infinity';
  const keeper = host.start(['unshare', '--mount', 'sh', '-c', mount, files]);
  await keeper.line(/mounted/);
  const inside = ['nsenter', `--target=${keeper.pid}`, '--mount', '--net'];
  const flags = [`--subnet-file=${join(files, 'subnet.env')}`, '--healthz-ip=127.0.0.1', '-v=2'];
  const daemons: RunningProcess[] = [];
  let live = false;
  let container: Container | undefined;
  let fitted = '';

  const subnetEnv = async () => {
    const path = `/proc/${keeper.pid}/root${join(files, 'subnet.env')}`;
    const lines = (await readFile(path, 'utf8').catch(() => '')).split('\n').filter((line) => line !== '');
    return Object.fromEntries(lines.map((line) => line.split('='))) as Record<string, string>;
  };

  return {
    ...host,
    get daemon() {
      return daemons.at(-1)!;
    },
    logs: () => daemons.flatMap(({ lines }) => lines),
    get live() {
      return live;
    },
    underlayAddress: host.address,
    files,
    startDaemon() {
      daemons.push(host.start([...inside, ...command, ...flags, `--healthz-port=${HEALTH_PORT}`]));
      live = true;
    },
    async kill(signal = 'SIGKILL') {
      live = false;
      const daemon = daemons.at(-1)!;
      daemon.signal(signal);
      await daemon.exited;
    },
    inFiles: (...words) => run([...inside, ...words]),
    subnetEnv,
    async fitContainer() {
      const { FLANNEL_SUBNET: bip = '', FLANNEL_MTU: mtu = '' } = await subnetEnv();
      if (!bip) throw new Error(`${host.name} has no subnet.env`);
      container ??= await host.addContainer({ bip, mtu: Number(mtu) });
      const address = bip.replace('.1/', '.2/');
      if (fitted !== `${bip} ${mtu}`) await readdress({ host, container }, { bip, mtu, address });
      fitted = `${bip} ${mtu}`;
      return { ...container, address: address.split('/')[0]! };
    },
  };
}

async function readdress(
  { host, container }: { readonly host: Host; readonly container: Container },
  { bip, mtu, address }: { readonly bip: string; readonly mtu: string; readonly address: string },
): Promise<void> {
  const bridge =
    'ip address flush dev docker0; ip address add "$0" dev docker0; ip link set docker0 mtu "$1"';
  await host.run('sh', '-ec', `${bridge}; ip link set veth1 mtu "$1"`, bip, mtu);
  const inside =
    'ip address flush dev eth0; ip address add "$0" dev eth0; ip link set eth0 mtu "$1"; ip route replace default via "$2"';
  await container.run('sh', '-ec', inside, address, mtu, bip.split('/')[0]!);
}
