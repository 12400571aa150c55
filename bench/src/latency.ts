import { createCluster, type Cluster } from '@flannel-ts/lab';
import { inNamespace, openNetlinkPort } from '@flannel-ts/native';
import { createNetlink, type NetlinkConnection } from '@flannel-ts/netlink';
import { peerLease, putPeers } from './leases.ts';
import type { Benchmark } from './report.ts';

const PEERS = 10_000;
const SAMPLES = 20;

/** How long after a lease was written to etcd its route is in another host's kernel, among 10,000 peers. */
export const latency: Benchmark = {
  name: 'latency',
  describe: 'from a lease in etcd to its route in the kernel, one among 10,000 (vxlan); etcdctl included',
  async run({ rounds, sample, progress }) {
    await using cluster = await createCluster({
      backend: { Type: 'vxlan' },
      network: { Network: '10.0.0.0/8' },
    });
    await putPeers(cluster, PEERS);
    const node = await cluster.addNode();
    await node.ready();
    const openPort = (options?: Parameters<typeof openNetlinkPort>[0]) =>
      inNamespace(node.host.path, () => openNetlinkPort(options));
    await using netlink = createNetlink({ openPort });
    for (let index = 0; index < rounds * SAMPLES; index++) {
      const milliseconds = await measure(cluster, netlink, PEERS + index);
      sample(`latency, ${PEERS} leases`, 'put to programmed', 'ms', milliseconds);
    }
    progress(`${rounds * SAMPLES} leases put`);
  },
};

async function measure(cluster: Cluster, netlink: NetlinkConnection, index: number): Promise<number> {
  const { key, value } = peerLease(index);
  const destination = key.split('/').at(-1)!.replace('-', '/');
  const stop = new AbortController();
  const events = netlink.subscribe({ signal: stop.signal });
  const seen = (async () => {
    for await (const event of events) {
      if (event.kind === 'route' && event.route.destination.toString() === destination)
        return performance.now();
    }
    throw new Error('the subscription ended');
  })();
  const started = performance.now();
  const put = cluster.etcd.etcdctl('put', key, value);
  const milliseconds = (await seen) - started;
  await put;
  stop.abort();
  return milliseconds;
}
