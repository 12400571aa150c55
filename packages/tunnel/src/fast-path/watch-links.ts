import { openNetlinkPort } from '@flannel-ts/native';
import { createNetlink, type KernelEvent } from '@flannel-ts/netlink';

/** Tells of links of this thread's network namespace that are deleted, by name, until it is disposed of. */
export function watchLinks(indexes: readonly number[], onDeleted: (name: string) => void): Disposable {
  const stop = new AbortController();
  const netlink = createNetlink({ openPort: openNetlinkPort });
  const events = netlink.subscribe({ signal: stop.signal, of: ['link'] });
  void netlink[Symbol.asyncDispose]();
  void report(events, indexes, onDeleted);
  return { [Symbol.dispose]: () => stop.abort() };
}

async function report(
  events: AsyncIterable<KernelEvent>,
  indexes: readonly number[],
  onDeleted: (name: string) => void,
): Promise<void> {
  for await (const event of events) {
    if (event.kind === 'link' && event.change === 'removed' && indexes.includes(event.link.index))
      onDeleted(event.link.name);
  }
}
