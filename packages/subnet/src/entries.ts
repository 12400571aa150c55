import type { SubnetPair } from '@flannel-ts/ip';
import { isReadable, leaseKey, type Lease, type RegistryEntry, type UnreadableLease } from './lease.ts';
import { changedKey, type LeaseChange, type LeaseEvent, type LeaseSnapshot } from './registry.ts';

/** Sorts entries into those that can be read and those that cannot. */
export function toSnapshot(entries: Iterable<RegistryEntry>): LeaseSnapshot {
  const leases: Lease[] = [];
  const unreadable: UnreadableLease[] = [];
  for (const entry of entries) {
    if (isReadable(entry)) leases.push(entry);
    else unreadable.push(entry);
  }
  return { leases, unreadable };
}

/** Returns the change that writing an entry makes. */
export function toChange(entry: RegistryEntry): LeaseChange {
  return isReadable(entry) ? { kind: 'put', lease: entry } : { kind: 'unreadable', lease: entry };
}

/** What an event shows of one lease, `removed` when a snapshot lacks it; `undefined` when it shows others alone. */
export function shownOf(subnets: SubnetPair, event: LeaseEvent): LeaseChange | undefined {
  const key = leaseKey({ subnets });
  if (event.kind === 'delta') return event.changes.findLast((change) => changedKey(change) === key);
  const isOwn = (entry: RegistryEntry) => leaseKey(entry) === key;
  const entry = event.leases.find(isOwn) ?? event.unreadable.find(isOwn);
  return entry ? toChange(entry) : { kind: 'removed', subnets };
}
