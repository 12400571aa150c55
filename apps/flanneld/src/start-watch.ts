import type { LeaseEvent, LeaseSnapshot, Registry } from '@flannel-ts/subnet';

/** All leases, and what the watch says next: the snapshot first. One watch serves the whole daemon. */
export async function startWatch(
  registry: Registry,
  signal: AbortSignal,
): Promise<{ readonly snapshot: LeaseSnapshot; readonly events: AsyncIterable<LeaseEvent> }> {
  const rest = registry.watchLeases({ signal })[Symbol.asyncIterator]();
  const first = await rest.next();
  signal.throwIfAborted();
  if (first.done || first.value.kind !== 'snapshot') throw new Error('the watch began without a snapshot');
  const snapshot = first.value;
  async function* events() {
    yield snapshot;
    yield* { [Symbol.asyncIterator]: () => rest };
  }
  return { snapshot, events: events() };
}
