import { formatSubnetKey } from '@flannel-ts/ip';
import { createCluster, type Cluster } from '@flannel-ts/lab';
import { peers, type Peer } from './peers.ts';

/** Key and value of a vxlan host's lease in etcd. */
export function leaseOf({ subnet, publicIp, mac }: Peer): readonly [key: string, value: string] {
  const value = {
    PublicIP: publicIp.toString(),
    PublicIPv6: null,
    BackendType: 'vxlan',
    BackendData: { VNI: 1, VtepMAC: mac },
  };
  return [`/coreos.com/network/subnets/${formatSubnetKey({ ipv4: subnet })}`, JSON.stringify(value)];
}

/** A vxlan cluster whose etcd holds the leases of `count` hosts that do not exist. */
export async function createClusterWithPeers(count: number): Promise<Cluster> {
  const cluster = await createCluster({
    backend: { Type: 'vxlan' },
    network: { Network: '10.0.0.0/8' },
  });
  await cluster.etcd.putAll(peers(count).map(leaseOf));
  return cluster;
}
