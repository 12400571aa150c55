import { isReadable, type Lease, type RegistryEntry, type UnreadableLease } from './lease.ts';
import type { LeaseChange, LeaseSnapshot } from './registry.ts';

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
