import type { NetlinkPort } from '@flannel-ts/native';
import { decodeEvent } from './decode-event.ts';
import { EventQueue } from './event-queue.ts';
import { readMessages } from './message-reader.ts';
import type { KernelEvent } from './objects.ts';

const QUEUE_LIMIT = 100_000;

/**
 * Yields what a port that joined multicast groups receives, until `signal` aborts or the reader leaves;
 * then the port is closed. It listens from now on, so that nothing is missed before the first read.
 */
export function readEvents(port: NetlinkPort, signal: AbortSignal | undefined): AsyncIterable<KernelEvent> {
  const queue = new EventQueue(QUEUE_LIMIT);
  port.listen(
    (datagram) => {
      for (const message of readMessages(datagram)) {
        const event = decodeEvent(message);
        if (event) queue.push(event);
      }
    },
    (error) => (error.code === 'ENOBUFS' ? queue.push({ kind: 'overrun' }) : end(error)),
  );
  signal?.addEventListener('abort', onAbort, { once: true });
  if (signal?.aborted) end();
  return iterate();

  function onAbort(): void {
    end();
  }

  function end(error?: Error): void {
    signal?.removeEventListener('abort', onAbort);
    port.close();
    queue.end(error);
  }

  async function* iterate(): AsyncGenerator<KernelEvent> {
    try {
      yield* queue.read();
    } finally {
      end();
    }
  }
}
