import { leaseKey, type Lease, type UnreadableLease } from './lease.ts';
import { changedKey, type LeaseChange, type LeaseEvent, type LeaseSnapshot } from './registry.ts';
import { isSameVersion } from './same-version.ts';

/** What is known of all leases, brought up to date by a watch. No I/O: the same events give the same changes. */
export interface LeaseTable {
  /** By {@link leaseKey}. An entry that became unreadable stays as it could be read last, until it is removed. */
  readonly leases: ReadonlyMap<string, Lease>;

  /**
   * Takes in an event and returns what it changed. A snapshot is compared with what is known: entries that
   * differ are `put` or `unreadable`, missing ones are `removed`, unchanged ones yield nothing. A delta costs
   * its own length.
   */
  apply(event: LeaseEvent): readonly LeaseChange[];
}

/** Makes a table that knows no lease yet. */
export function createLeaseTable(): LeaseTable {
  const leases = new Map<string, Lease>();
  /** The entries that are unreadable now. */
  const unreadable = new Map<string, UnreadableLease>();

  function change(item: LeaseChange): boolean {
    const key = changedKey(item);
    const damaged = unreadable.get(key);
    if (item.kind === 'unreadable') {
      unreadable.set(key, item.lease);
      return damaged?.revision !== item.lease.revision || damaged.reason !== item.lease.reason;
    }
    const before = leases.get(key);
    unreadable.delete(key);
    if (item.kind === 'removed') return leases.delete(key) || damaged !== undefined;
    leases.set(key, item.lease);
    return damaged !== undefined || !before || !isSameVersion(before, item.lease);
  }

  function differences(snapshot: LeaseSnapshot): LeaseChange[] {
    const keys = new Set([...snapshot.leases, ...snapshot.unreadable].map(leaseKey));
    const missing = [...leases, ...unreadable].filter(([key]) => !keys.has(key));
    return [
      ...missing.map(([, { subnets }]) => ({ kind: 'removed' as const, subnets })),
      ...snapshot.unreadable.map((lease) => ({ kind: 'unreadable' as const, lease })),
      ...snapshot.leases.map((lease) => ({ kind: 'put' as const, lease })),
    ];
  }

  return {
    leases,
    apply: (event) => (event.kind === 'snapshot' ? differences(event) : event.changes).filter(change),
  };
}
