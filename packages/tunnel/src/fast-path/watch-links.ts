import { openNetlinkPort } from '@flannel-ts/native';
import { subscribe, type KernelEvent } from '@flannel-ts/netlink';

export interface LinkWatch {
  /** Called once: when a link was deleted, or when the watch broke, so that a deletion would go unnoticed. */
  readonly onLost: (error: Error) => void;
  /** Called with the index of a link that was set down. A link that is deleted is set down before. */
  readonly onDown: (index: number) => void;
  /** Opens a socket to the kernel. @default `openNetlinkPort` of `@flannel-ts/native` */
  readonly openPort?: typeof openNetlinkPort;
}

/**
 * Watches links of this thread's network namespace until it is disposed of.
 * @throws {SystemError} when there is no socket for it
 */
export function watchLinks(
  indexes: readonly number[],
  { onLost, onDown, openPort = openNetlinkPort }: LinkWatch,
): Disposable {
  const stop = new AbortController();
  const events = subscribe({ openPort }, { signal: stop.signal, of: ['link'] });
  void findLoss(events, indexes, onDown).then((loss) => {
    if (loss) onLost(loss);
  });
  return { [Symbol.dispose]: () => stop.abort() };
}

/** Resolves with what was lost, or with nothing when the watch was stopped. Never rejects. */
async function findLoss(
  events: AsyncIterable<KernelEvent>,
  indexes: readonly number[],
  onDown: LinkWatch['onDown'],
): Promise<Error | undefined> {
  try {
    for await (const event of events) {
      if (event.kind === 'overrun') return new Error('the kernel dropped reports of deleted interfaces');
      if (event.kind !== 'link' || !indexes.includes(event.link.index)) continue;
      if (event.change === 'removed') return new Error(`${event.link.name} was deleted`);
      if (!event.link.up) onDown(event.link.index);
    }
    return undefined;
  } catch (cause) {
    return new Error(`interfaces can no longer be watched: ${(cause as Error).message}`, { cause });
  }
}
