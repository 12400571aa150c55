import { run, type Cluster } from '@flannel-ts/lab';

/** etcd takes at most 128 operations in a transaction. */
const CHUNK = 100;

/** A lease of a host that does not exist: peer number `index` of a vxlan cluster in 10.0.0.0/8. */
export function peerLease(index: number): { readonly key: string; readonly value: string } {
  const octets = `${index >> 8}.${index & 255}`;
  const mac = `02:00:00:00:${hex(index >> 8)}:${hex(index & 255)}`;
  const value = {
    PublicIP: `172.20.${octets}`,
    PublicIPv6: null,
    BackendType: 'vxlan',
    BackendData: { VNI: 1, VtepMAC: mac },
  };
  return {
    key: `/coreos.com/network/subnets/10.${100 + (index >> 8)}.${index & 255}.0-24`,
    value: JSON.stringify(value),
  };
}

/** Writes the leases of `count` peers into etcd, many per transaction. */
export async function putPeers(cluster: Cluster, count: number): Promise<void> {
  const { namespace } = cluster.lab.underlay;
  for (let start = 0; start < count; start += CHUNK) {
    const leases = Array.from({ length: Math.min(CHUNK, count - start) }, (_, index) =>
      peerLease(start + index),
    );
    const puts = leases.map(({ key, value }) => `put ${key} '${value}'`).join('\n');
    await run(
      [
        'ip',
        'netns',
        'exec',
        namespace,
        'env',
        'ETCDCTL_API=3',
        'etcdctl',
        `--endpoints=${cluster.endpoint}`,
        'txn',
      ],
      {
        input: `\n${puts}\n\n\n`,
      },
    );
  }
}

function hex(byte: number): string {
  return byte.toString(16).padStart(2, '0');
}
