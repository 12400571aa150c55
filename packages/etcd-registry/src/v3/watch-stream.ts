import type { Clock } from '@flannel-ts/subnet';
import type { IWatchCreateRequest, IWatchRequest, IWatchResponse } from 'etcd3';
import { duplex } from './duplex.ts';
import type { Member } from './member.ts';

/** Milliseconds between two signs of life of a watched member. */
const HEARTBEAT_MS = 2_000;
/** Milliseconds that a member has to give one. */
const HEARTBEAT_TIMEOUT_MS = 1_000;

/**
 * One watch on a stream of its own: etcd's responses until the consumer leaves, the signal aborts or the
 * member fails; it never ends by itself. A member that hangs is found by reading `probeKey` from it. HTTP/2
 * keepalives would be simpler, but etcd closes connections that ping more often than every 5 s
 * (its `--grpc-keepalive-min-time`).
 */
export async function* watchStream(
  { clock, member }: { readonly clock: Clock; readonly member: Member },
  { request, probeKey }: { readonly request: IWatchCreateRequest; readonly probeKey: Buffer },
  signal: AbortSignal,
): AsyncGenerator<IWatchResponse> {
  const left = new AbortController();
  const dead = new AbortController();
  const over = AbortSignal.any([signal, left.signal]);

  async function beat(): Promise<never> {
    for (;;) {
      await clock.delay(HEARTBEAT_MS, { signal: over });
      const options = member.request(Date.now() + HEARTBEAT_TIMEOUT_MS);
      await member.client.kv.range({ key: probeKey, serializable: true, count_only: true }, options);
    }
  }

  beat().catch((error: unknown) => dead.abort(error));
  try {
    const stream = await member.client.watchClient.watch(member.stream());
    const failed = AbortSignal.any([signal, dead.signal]);
    yield* duplex<IWatchRequest, IWatchResponse>(stream, { create_request: request }, failed);
    throw new Error('etcd ended the watch');
  } finally {
    left.abort();
  }
}
