import { leaseKey, type Lease } from './lease.ts';
import type { LeaseChange, LeaseEvent } from './registry.ts';

/** What is known of all leases, brought up to date by a watch. No I/O: the same events give the same changes. */
export interface LeaseTable {
  /** By {@link leaseKey}. */
  readonly leases: ReadonlyMap<string, Lease>;

  /**
   * Takes in an event and returns what it changed. A snapshot is compared with what is known: leases that
   * differ are `put`, missing ones are `removed`, unchanged ones yield nothing. A delta costs its own length.
   */
  apply(event: LeaseEvent): readonly LeaseChange[];
}

export function createLeaseTable(): LeaseTable {
  const leases = new Map<string, Lease>();

  function change(item: LeaseChange): boolean {
    if (item.kind === 'removed') return leases.delete(leaseKey(item));
    const key = leaseKey(item.lease);
    const changed = leases.get(key)?.revision !== item.lease.revision;
    leases.set(key, item.lease);
    return changed;
  }

  function differences(snapshot: readonly Lease[]): LeaseChange[] {
    const keys = new Set(snapshot.map(leaseKey));
    const missing = [...leases].filter(([key]) => !keys.has(key));
    return [
      ...missing.map(([, { subnets }]) => ({ kind: 'removed' as const, subnets })),
      ...snapshot.map((lease) => ({ kind: 'put' as const, lease })),
    ];
  }

  return {
    leases,
    apply: (event) => (event.kind === 'snapshot' ? differences(event.leases) : event.changes).filter(change),
  };
}
