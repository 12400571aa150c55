import type { Etcd } from '@flannel-ts/lab';

/** What etcd's history has of one lease: its key was written so often, and never deleted, by one host. */
export interface LeaseHistory {
  readonly key: string;
  readonly publicIp: string;
  readonly writes: number;
}

interface HistoryEvent {
  /** 1 is a deletion; absent for a write. */
  readonly type?: number;
  readonly kv: { readonly key: string; readonly value?: string; readonly version?: number };
}

/**
 * Reads the whole history of the leases under a prefix from an etcd that was never compacted, by a watch from the first
 * revision on: it misses nothing, whatever happened to the members meanwhile.
 * @throws {Error} when a key was deleted, or another host wrote over it
 */
export async function readLeaseHistory(etcd: Etcd, prefix: string): Promise<readonly LeaseHistory[]> {
  const end = `${prefix}/subnets/~end`;
  await etcd.etcdctl('put', end, '');
  const leases = new Map<string, LeaseHistory>();
  for (const { type, kv } of await eventsUntil(etcd, prefix, end)) {
    const key = decode(kv.key);
    if (type === 1) throw new Error(`${key} was deleted`);
    const { PublicIP: publicIp } = JSON.parse(decode(kv.value!)) as { PublicIP: string };
    const before = leases.get(key);
    const writes = (before?.writes ?? 0) + 1;
    if (before && before.publicIp !== publicIp)
      throw new Error(`${key} changed hands from ${before.publicIp} to ${publicIp}`);
    if (kv.version !== writes)
      throw new Error(`${key} has version ${String(kv.version)} after ${writes} writes`);
    leases.set(key, { key, publicIp, writes });
  }
  return [...leases.values()];
}

/** Returns the events before the first one of the key `end`. */
async function eventsUntil(etcd: Etcd, prefix: string, end: string): Promise<HistoryEvent[]> {
  const events: HistoryEvent[] = [];
  await using watch = etcd.startEtcdctl('watch', '--prefix', `${prefix}/subnets/`, '--rev=1', '-w', 'json');
  const last = Buffer.from(end).toString('base64');
  await watch.line(new RegExp(`"key":"${last.replaceAll('+', String.raw`\+`)}"`));
  for (const line of watch.lines) {
    for (const event of (JSON.parse(line) as { Events: HistoryEvent[] }).Events) {
      if (event.kv.key === last) return events;
      events.push(event);
    }
  }
  throw new Error('the history has no end');
}

function decode(base64: string): string {
  return Buffer.from(base64, 'base64').toString();
}
