import type { SubnetPair } from '@flannel-ts/ip';
import type { Content, Entry } from '../registry/entry.ts';
import type { Cluster } from '../world/cluster.ts';
import { addressOf } from '../world/host.ts';
import { EXPIRY, OPERATOR, type Store, type Write } from '../registry/store.ts';
import type { RunRecord } from './record.ts';

/** How old a rival must be so that a daemon had to know it: it may be reading the leases meanwhile. */
const KNOWN_AFTER_MS = 10 * 60_000;

/**
 * Checks each write of a daemon: it is over its own lease or over nothing, keeps reservations as they are,
 * and claims no addresses that another entry has. What was damaged under its lease it may replace.
 */
export function checkWrite(record: RunRecord, cluster: Cluster, write: Write): void {
  const { writer, key, before, after } = write;
  const { store, scheduler, hosts } = cluster;

  record.add(writer.name, after ? 'put' : 'removed', key, after?.revision, publicIp(after));
  if (writer === OPERATOR || writer === EXPIRY) return;
  const host = hosts.find(({ name }) => name === writer.name)!;
  const what = `${writer.name} (${addressOf(host) ?? ''}) ${after ? 'writes' : 'deletes'} ${key}`;
  if (before) {
    if (!before.content.attributes && host.daemon?.heldKey === key) return;
    // The index is all that v2 compares; after a restore another host's lease may have it.
    if (before.isRepeated && store.flavour === 'v2') return;
    if (!host.addresses.has(publicIp(before)))
      record.fail(`${what} over the lease of ${publicIp(before) ?? 'no host'}`);
    if (before.ttlMs === undefined && after?.ttlMs !== undefined)
      record.fail(`${what} and makes the reservation expire`);
    if (before.ttlMs === undefined && !after) record.fail(`${what}, a reservation`);
  } else if (after) {
    if (after.ttlMs === undefined) record.fail(`${what} without a time to live`);
    const rival = findOverlap(store.entries, after);
    if (rival && rival.since < scheduler.now - KNOWN_AFTER_MS)
      record.fail(`${what}, which overlaps ${rival.key}`);
  }
}

export function publicIp(entry: Entry | undefined): string | undefined {
  return entry?.content.publicIp;
}

function findOverlap(entries: Store['entries'], { key, content }: Entry): Entry | undefined {
  for (const entry of entries.values()) {
    if (entry.key !== key && isRival(entry.content, content)) return entry;
  }
  return undefined;
}

/** Whether two hosts claim the same addresses; a host may have leases that overlap its former ones. */
export function isRival(a: Content, b: Content): boolean {
  return a.publicIp !== b.publicIp && overlap(a.subnets, b.subnets);
}

/** Whether two entries claim the same addresses; one whose key is no subnet claims none. */
export function overlap(a: SubnetPair | undefined, b: SubnetPair | undefined): boolean {
  if (!a || !b) return false;
  return Boolean(a.ipv4 && b.ipv4?.overlaps(a.ipv4)) || Boolean(a.ipv6 && b.ipv6?.overlaps(a.ipv6));
}
