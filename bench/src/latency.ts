import type { Cluster } from '@flannel-ts/lab';
import { inNamespace, openNetlinkPort } from '@flannel-ts/native';
import { createNetlink, type NetlinkConnection } from '@flannel-ts/netlink';
import { startLeaseWriter, type LeaseWriter } from './start-lease-writer.ts';
import { createClusterWithPeers, leaseOf } from './leases.ts';
import { peer, type Peer } from './peers.ts';
import type { Benchmark } from './report.ts';

const PEERS = 10_000;
const SAMPLES = 20;

/** How long after a lease was written to etcd its route is in another host's kernel, among 10,000 peers. */
export const latency: Benchmark = {
  name: 'latency',
  describe: `from the put of a lease to its route in the kernel, one among 10,000 (vxlan), ${SAMPLES} leases a round`,
  async run({ rounds, sample, progress }) {
    await using cluster = await createClusterWithPeers(PEERS);
    await using writer = await startLeaseWriter(cluster);
    await using netlink = await startNode(cluster);
    for (let index = 0; index < rounds * SAMPLES; index++) {
      const milliseconds = await measure(writer, netlink, peer(PEERS + index));
      sample(`latency, ${PEERS} leases`, { metric: 'put to programmed', unit: 'ms', value: milliseconds });
    }
    progress(`${rounds * SAMPLES} leases put`);
  },
};

/** Starts a daemon that knows all peers. @returns a connection to its host's kernel */
async function startNode(cluster: Cluster): Promise<NetlinkConnection> {
  const node = await cluster.addNode();
  await node.ready();
  return createNetlink({
    openPort: (options) => inNamespace(node.host.path, () => openNetlinkPort(options)),
  });
}

async function measure(writer: LeaseWriter, netlink: NetlinkConnection, added: Peer): Promise<number> {
  const stop = new AbortController();
  const programmed = routeArrives(netlink, added, stop.signal);
  const [put, seen] = await Promise.all([writer.put(...leaseOf(added)), programmed]);
  stop.abort();
  return Number(seen - put) / 1e6;
}

/** @returns when the kernel tells of the peer's route, in ns of CLOCK_MONOTONIC */
async function routeArrives(
  netlink: NetlinkConnection,
  { subnet }: Peer,
  signal: AbortSignal,
): Promise<bigint> {
  for await (const event of netlink.subscribe({ signal })) {
    if (event.kind === 'route' && event.route.destination.equals(subnet)) return process.hrtime.bigint();
  }
  throw new Error('the subscription ended');
}
