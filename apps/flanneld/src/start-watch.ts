import { leaseKey, type Lease, type LeaseEvent, type LeaseSnapshot, type Registry } from '@flannel-ts/subnet';

/** A watch of the leases that has begun. One serves a whole generation. */
export interface StartedWatch {
  readonly snapshot: LeaseSnapshot;
  /**
   * The snapshot, and what the watch yields after it.
   * @param own - the lease that this host has taken since the snapshot, which belongs to it
   */
  events(own: Lease): AsyncIterable<LeaseEvent>;
}

export async function startWatch(registry: Registry, signal: AbortSignal): Promise<StartedWatch> {
  const rest = registry.watchLeases({ signal })[Symbol.asyncIterator]();
  const first = await rest.next();
  signal.throwIfAborted();
  if (first.done || first.value.kind !== 'snapshot') throw new Error('the watch began without a snapshot');
  const snapshot = first.value;
  return {
    snapshot,
    async *events(own) {
      const isOther = (entry: Pick<Lease, 'subnets'>) => leaseKey(entry) !== leaseKey(own);
      yield {
        kind: 'snapshot',
        leases: [...snapshot.leases.filter(isOther), own],
        unreadable: snapshot.unreadable.filter(isOther),
      };
      yield* { [Symbol.asyncIterator]: () => rest };
    },
  };
}
