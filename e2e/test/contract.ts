import { setTimeout as delay } from 'node:timers/promises';
import type { Cluster, Host, Node, RunningProcess } from '@flannel-ts/lab';
import { beforeEach, expect } from 'vitest';

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
export function showLogsOnFailure(
  nodes: () => readonly { readonly host: Host; readonly daemon: Pick<RunningProcess, 'lines'> }[],
): void {
  beforeEach(({ onTestFailed }) =>
    onTestFailed(() => {
      for (const { host, daemon } of nodes()) console.error(`${host.name}:\n${daemon.lines.join('\n')}`);
    }),
  );
}

/** Far more than anything takes on a loaded machine: how long a defect takes to show. */
const PATIENCE_MS = 20_000;
const PAUSE_MS = 20;

/** Repeats a question that no event answers until the answer fits. @throws the last answer when `timeoutMs` has passed */
export async function eventually<T>(
  ask: () => Promise<T>,
  fits: (answer: T) => boolean,
  timeoutMs = PATIENCE_MS,
): Promise<{ readonly answer: T; readonly milliseconds: number }> {
  const started = performance.now();
  for (;;) {
    const answer = await ask();
    const milliseconds = performance.now() - started;
    if (fits(answer)) return { answer, milliseconds };
    if (milliseconds > timeoutMs)
      throw new Error(`not within ${timeoutMs} ms; last: ${JSON.stringify(answer)}`);
    await delay(PAUSE_MS);
  }
}

/** Ends a daemon by SIGTERM and returns how many milliseconds that took. */
export async function millisecondsToEnd(daemon: RunningProcess): Promise<number> {
  const started = performance.now();
  expect(await daemon.stop()).toBe(0);
  return performance.now() - started;
}

/**
 * Returns the least of up to three measurements; one below `enough` is the last. Load of the machine only
 * adds to a duration, so the least is nearest to what the program needs.
 */
export async function fastest(enough: number, measure: () => Promise<number>): Promise<number> {
  let least = Infinity;
  for (let round = 0; round < 3 && least >= enough; round++) least = Math.min(least, await measure());
  return least;
}

function decode(base64: string): string {
  return Buffer.from(base64, 'base64').toString();
}
