import { writeFile } from 'node:fs/promises';
import type { Cluster, Host, RunningProcess } from '@flannel-ts/lab';
import { fileOf, startDaemon, type Network } from './cleanup-host.ts';
import { storedLeases } from './contract.ts';
import {
  addUpstreamHostGwPeer,
  addUpstreamVxlanPeer,
  applyUpstreamRules,
  ensureUpstreamVxlan,
  upstreamSubnetEnv,
  type UpstreamPeer,
} from './upstream-host.ts';

const DAY_S = 24 * 3_600;
/** Of an overlay on an underlay with an MTU of 1500 bytes, by backend. */
export const MTU = { vxlan: 1_450, 'host-gw': 1_500, udp: 1_472 } as const;

/** A host that changes between upstream's daemon and ours. */
export interface ChangingHost {
  readonly host: Host;
  /** Our daemon that runs, or ran last. */
  readonly daemon: Pick<RunningProcess, 'lines'>;
  /** Ends ours, if it runs, and does what upstream's does when it starts; it ends then, and leaves what it made. */
  startUpstream(): Promise<void>;
  /** Starts ours on what is there, and waits until it is ready. */
  startOurs(): Promise<void>;
  /** What a change of daemons keeps: the lease, and the VXLAN device, which has another index once it is recreated. */
  identity(): Promise<UpstreamPeer & { readonly deviceIndex: number | undefined }>;
}

/** The network is that of {@link upstreamSubnetEnv}. */
export function createChangingHost(cluster: Cluster, host: Host, network: Network): ChangingHost {
  const { Type: type } = network.backend as { Type: keyof typeof MTU };
  let ours: RunningProcess | undefined;

  /** Renews the lease that has the host's address, or takes one; of udp upstream publishes no type. */
  async function takeLease(subnet: string, mac: string | undefined): Promise<void> {
    const [, id] = /lease (\S+) granted/.exec(await cluster.etcd.etcdctl('lease', 'grant', `${DAY_S}`))!;
    const value = {
      PublicIP: host.address,
      PublicIPv6: null,
      ...(type === 'udp' ? {} : { BackendType: type }),
      ...(mac === undefined ? {} : { BackendData: { VNI: 1, VtepMAC: mac } }),
    };
    const key = `${network.prefix}/subnets/${subnet.replace('/', '-')}`;
    await cluster.etcd.etcdctl('put', key, JSON.stringify(value), `--lease=${id!}`);
  }

  async function addPeer(peer: UpstreamPeer): Promise<void> {
    if (type === 'vxlan') await addUpstreamVxlanPeer(host, peer);
    if (type === 'host-gw') await addUpstreamHostGwPeer(host, peer);
  }

  return {
    host,
    get daemon() {
      return ours ?? { lines: [] };
    },
    async startUpstream() {
      await ours?.stop();
      // Upstream empties its chains when it starts: packets pass then only where none is dropped by default.
      await host.run('iptables', '-P', 'FORWARD', 'ACCEPT');
      const { own, peers } = await leasesSeenBy(host, cluster);
      const subnet = own?.subnet ?? `10.5.${host.address.split('.')[3]!}.0/24`;
      await takeLease(subnet, type === 'vxlan' ? await ensureUpstreamVxlan(host, subnet) : undefined);
      await applyUpstreamRules(host, subnet);
      await writeFile(fileOf(host, network), upstreamSubnetEnv(subnet, MTU[type]));
      for (const peer of peers) await addPeer(peer);
    },
    async startOurs() {
      await host.run('iptables', '-P', 'FORWARD', 'DROP');
      ours = await startDaemon(cluster, host, network);
    },
    async identity() {
      const { own } = await leasesSeenBy(host, cluster);
      const links = await host.json<{ ifindex: number; ifname: string }[]>('ip', '-json', 'link');
      return { ...own!, deviceIndex: links.find(({ ifname }) => ifname === 'flannel.1')?.ifindex };
    },
  };
}

/** The leases in etcd, as upstream's daemon of a host reads them. */
async function leasesSeenBy({ address }: Host, cluster: Cluster) {
  const leases = (await storedLeases(cluster)).map(({ key, value }): UpstreamPeer => {
    const { VtepMAC: mac } = (value['BackendData'] ?? {}) as { VtepMAC?: string };
    return { subnet: key.replace('-', '/'), publicIp: value['PublicIP'] as string, mac };
  });
  return {
    own: leases.find(({ publicIp }) => publicIp === address),
    peers: leases.filter(({ publicIp }) => publicIp !== address),
  };
}
