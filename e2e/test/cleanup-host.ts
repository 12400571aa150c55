import { join } from 'node:path';
import type { Cluster, Host, RunningProcess } from '@flannel-ts/lab';

const FLANNELD = join(import.meta.dirname, '../../node_modules/.bin/flanneld');

/** A network in etcd. */
export interface Network {
  readonly prefix: string;
  /** The first two bytes of its /16. */
  readonly range: string;
  readonly backend: object;
}

/** Writes the config, and the lease of a peer that takes part by every backend. */
export async function configure({ etcd }: Cluster, { prefix, range, backend }: Network): Promise<void> {
  await etcd.etcdctl(
    'put',
    `${prefix}/config`,
    JSON.stringify({ Network: `${range}.0.0/16`, Backend: backend }),
  );
  const { Type } = backend as { Type: string };
  const peer = {
    PublicIP: '192.168.77.51',
    ...(Type === 'udp' ? {} : { BackendType: Type }),
    ...(Type === 'vxlan' && { BackendData: { VtepMAC: '02:00:00:00:00:51' } }),
  };
  await etcd.etcdctl('put', `${prefix}/subnets/${range}.51.0-24`, JSON.stringify(peer));
}

/** The network's subnet file on a host. */
export const fileOf = (host: Host, { range }: Network) => join(host.directory, `${range}.env`);

/** Starts a daemon that does all that may be left behind, and waits until it is ready. @param more - more flags */
export async function startDaemon(
  { endpoint }: Cluster,
  host: Host,
  network: Network,
  ...more: string[]
): Promise<RunningProcess> {
  const flags = [`--etcd-endpoints=${endpoint}`, `--etcd-prefix=${network.prefix}`];
  const rules = ['--ip-masq', '--ip-blackhole-route'];
  const daemon = host.start([
    FLANNELD,
    ...flags,
    ...rules,
    `--subnet-file=${fileOf(host, network)}`,
    ...more,
  ]);
  await daemon.line(/"msg":"ready"/);
  return daemon;
}

/** What `flanneld cleanup` said, and how it ended. */
export interface CleanupResult {
  readonly exitCode: number | NodeJS.Signals;
  readonly output: string;
}

/** Runs `flanneld cleanup` on a host to its end. */
export async function cleanUp(host: Host, ...flags: string[]): Promise<CleanupResult> {
  const command = host.start([FLANNELD, 'cleanup', ...flags]);
  return { exitCode: await command.exited, output: command.lines.join('\n') };
}

const LISTINGS = [
  ['ip', '-details', 'link'],
  ['ip', '-4', 'address'],
  ['ip', 'route', 'show', 'table', 'all'],
  ['ip', '-6', 'route', 'show', 'table', 'all'],
  ['ip', 'neighbour', 'show', 'nud', 'permanent'],
  ['bridge', 'fdb'],
  ['iptables-save'],
  ['iptables-legacy-save'],
  ['ip6tables-save'],
  ['nft', 'list', 'ruleset'],
];

/** Every device, address, route, neighbour and rule of a host, by line, without counters and times. */
export async function hostState(host: Host): Promise<string[]> {
  const outputs = await Promise.all(LISTINGS.map((command) => host.run(...command)));
  return outputs.flatMap((output, index) =>
    output
      .split('\n')
      .filter((line) => line !== '' && !line.startsWith('#'))
      .map((line) => line.replaceAll(/\[\d+:\d+\]|counter packets \d+ bytes \d+|valid_lft.*/g, '').trimEnd())
      .map((line) => `${LISTINGS[index]![0]!}: ${line}`),
  );
}

/** What of an operator stands beside flannel, some of it much like flannel's. */
export async function addOperatorsThings(host: Host): Promise<void> {
  const commands = [
    // The kernel gives devices link-local addresses after a while, by itself.
    'sysctl -qw net.ipv6.conf.all.disable_ipv6=1 net.ipv6.conf.default.disable_ipv6=1',
    'ip route add 10.99.0.0/24 via 192.168.77.1',
    'ip route add 10.5.128.0/20 via 192.168.77.1',
    'ip link add flannel.9 type vxlan id 9 dev eth0 dstport 8479',
    'ip address add 10.77.0.0/32 dev flannel.9',
    'ip link set flannel.9 up',
    'ip link add flannel-br type bridge',
    'ip address add 10.5.69.1/24 dev flannel-br',
    'iptables -A FORWARD -s 10.99.0.0/24 -j ACCEPT',
    'iptables -t nat -A POSTROUTING -s 10.5.0.0/16 -o flannel-br -j ACCEPT',
    'iptables-legacy -w 20 -A FORWARD -s 10.98.0.0/24 -j ACCEPT',
    'iptables -t raw -A PREROUTING -s 10.97.0.0/24 -j ACCEPT',
    'nft add table inet operator',
  ];
  for (const command of commands) await host.run(...command.split(' '));
}

/** Lines of `after` that are not in `before`, and the other way round. */
export function difference(before: readonly string[], after: readonly string[]) {
  return {
    added: after.filter((line) => !before.includes(line)),
    removed: before.filter((line) => !after.includes(line)),
  };
}
