import type { NetlinkPort } from '@flannel-ts/native';
import { decodeEvent } from './decode.ts';
import { readMessages } from './message-reader.ts';
import type { KernelEvent } from './objects.ts';

/** Events that wait for a slow reader; beyond, they are dropped and the reader is told by `overrun`. */
const QUEUE_LIMIT = 100_000;

/** Yields what a port that joined multicast groups receives, until `signal` aborts or the reader leaves. */
export async function* readEvents(
  port: NetlinkPort,
  signal: AbortSignal | undefined,
): AsyncGenerator<KernelEvent> {
  let queue: KernelEvent[] = [];
  let failure: Error | undefined;
  let wake = Promise.withResolvers<undefined>();
  const push = (event: KernelEvent) => {
    if (queue.length < QUEUE_LIMIT) queue.push(event);
    else if (queue.at(-1)?.kind !== 'overrun') queue.push({ kind: 'overrun' });
    wake.resolve(undefined);
  };
  const stop = () => wake.resolve(undefined);
  signal?.addEventListener('abort', stop);
  port.listen(
    (datagram) => {
      for (const message of readMessages(datagram)) {
        const event = decodeEvent(message);
        if (event) push(event);
      }
    },
    (error) => {
      if (error.code === 'ENOBUFS') {
        push({ kind: 'overrun' });
      } else {
        failure = error;
        stop();
      }
    },
  );
  try {
    while (!signal?.aborted) {
      const events = queue;
      queue = [];
      for (const event of events) yield event;
      if (failure) throw failure;
      if (queue.length === 0) await wake.promise;
      wake = Promise.withResolvers();
    }
  } finally {
    signal?.removeEventListener('abort', stop);
    port.close();
  }
}
