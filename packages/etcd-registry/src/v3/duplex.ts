import type { ClientDuplexStream } from '@grpc/grpc-js';
import type { IDuplexStream } from 'etcd3';

/** Opens a stream's conversation with one request and yields the responses; leaving the loop cancels the stream. */
export async function* duplex<Request, Response>(
  stream: IDuplexStream<Request, Response>,
  request: Request,
  signal?: AbortSignal,
): AsyncGenerator<Response> {
  const responses = stream as unknown as ClientDuplexStream<Request, Response>;
  const abort = () => responses.destroy(signal?.reason as Error);
  signal?.addEventListener('abort', abort, { once: true });
  try {
    signal?.throwIfAborted();
    responses.write(request);
    yield* responses as AsyncIterable<Response>;
  } finally {
    signal?.removeEventListener('abort', abort);
    // Ended first, as etcd3 takes an error of a writable stream for the member's failure.
    responses.end();
    responses.cancel();
  }
}
