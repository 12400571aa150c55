import type { Cluster, Node } from '@flannel-ts/lab';
import { beforeEach } from 'vitest';

const SUBNETS = '/coreos.com/network/subnets/';

/** A lease as it stands in etcd. */
export interface StoredLease {
  readonly key: string;
  readonly value: Record<string, unknown>;
}

/** All leases in etcd, by key. */
export async function storedLeases(cluster: Cluster): Promise<StoredLease[]> {
  const output = await cluster.etcd.etcdctl('get', '--prefix', SUBNETS, '--write-out=json');
  const { kvs = [] } = JSON.parse(output) as { kvs?: { key: string; value: string }[] };
  return kvs.map(({ key, value }) => ({
    key: decode(key).slice(SUBNETS.length),
    value: JSON.parse(decode(value)) as Record<string, unknown>,
  }));
}

/** The key of a node's lease, from its subnet.env: `10.5.69.0-24`. */
export async function leaseKeyOf(node: Node): Promise<string> {
  const { FLANNEL_SUBNET } = await node.subnetEnv();
  return FLANNEL_SUBNET.replace(/\.1\/(\d+)$/, '.0-$1');
}

/** The node's routes into the cluster network, as `ip route` words, sorted. */
export async function overlayRoutes(node: Node): Promise<string[]> {
  const lines = (await node.host.run('ip', 'route')).split('\n').map((line) => line.trim());
  return lines.filter((line) => line.startsWith('10.5.') && !line.includes('docker0')).sort();
}

/** Prints what the daemons logged when a test of this suite fails. */
export function showLogsOnFailure(nodes: () => readonly Node[]): void {
  beforeEach(({ onTestFailed }) =>
    onTestFailed(() => {
      for (const { host, daemon } of nodes()) console.error(`${host.name}:\n${daemon.lines.join('\n')}`);
    }),
  );
}

/** Repeats a question until its answer fits. @throws the last answer when `timeoutMs` has passed. */
export async function eventually<T>(
  ask: () => Promise<T>,
  fits: (answer: T) => boolean,
  timeoutMs: number,
): Promise<{ readonly answer: T; readonly milliseconds: number }> {
  const started = performance.now();
  for (;;) {
    const answer = await ask();
    const milliseconds = performance.now() - started;
    if (fits(answer)) return { answer, milliseconds };
    if (milliseconds > timeoutMs)
      throw new Error(`not within ${timeoutMs} ms; last: ${JSON.stringify(answer)}`);
  }
}

function decode(base64: string): string {
  return Buffer.from(base64, 'base64').toString();
}
