import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import {
  bootHost,
  debianTree,
  ENGINE_SUITES,
  run,
  type BootedHost,
  type EngineRelease,
  type Lab,
} from '@flannel-ts/lab';

/** What an installation of Debian's standard system has, as far as the guides come across it. */
const INSTALLED = [
  ...['ca-certificates', 'dbus', 'git', 'iproute2', 'iputils-ping', 'less', 'netbase', 'openssh-client'],
  ...['perl', 'procps', 'python3', 'systemd', 'systemd-sysv', 'xz-utils'],
];

/** What the guides install by apt; the hosts of the lab reach no mirror. */
const ARCHIVES = [
  ...['busybox-static', 'curl', 'docker-compose', 'docker.io', 'etcd-client', 'etcd-server'],
  ...['iptables', 'nftables', 'tcpdump'],
];

/** What an installer leaves and debootstrap does not; no name server is in reach. */
const PREPARE = `
hostname "$1"
echo "$1" > /etc/hostname
printf '127.0.0.1 localhost\\n127.0.1.1 %s\\n' "$1" > /etc/hosts
: > /etc/resolv.conf
mount -o remount,ptmxmode=666 /dev/pts
ln -s pts/ptmx /dev/ptmx
cp /mnt/*.deb /root/
`;

interface HostOptions {
  readonly names: readonly string[];
  readonly engine: EngineRelease;
  /** Path of flanneld's package. */
  readonly deb: string;
  /** Packages that are there from the beginning, beside {@link INSTALLED}. @default [] */
  readonly installed?: readonly string[] | undefined;
}

/**
 * Boots fresh Debian hosts of the suite that has the engine, with systemd and apt, and flanneld's package in
 * root's home directory. The first name gets the lab's first address. They end with the stack.
 */
export async function bootHosts(
  { lab, stack }: { readonly lab: Lab; readonly stack: AsyncDisposableStack },
  { names, engine, deb, installed = [] }: HostOptions,
): Promise<ReadonlyMap<string, BootedHost>> {
  const root = await debianTree(ENGINE_SUITES[engine], [...INSTALLED, ...installed], ARCHIVES);
  const hosts = new Map<string, BootedHost>();
  for (const name of names) {
    const host = await lab.addHost();
    const shared = join(host.directory, 'shared');
    await mkdir(shared);
    const booted = stack.use(await bootHost(host, shared, { root }));
    hosts.set(name, booted);
    await run(['cp', deb, shared]);
    await booted.run('sh', '-e', '-c', PREPARE, 'prepare', name);
  }
  return hosts;
}
