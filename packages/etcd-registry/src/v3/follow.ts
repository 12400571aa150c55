import type { IEvent, IWatchRequest, IWatchResponse } from 'etcd3';
import { RefusedError } from '../failure.ts';
import { HistoryLostError, type FollowOptions, type WatchStep } from '../watch.ts';
import type { Connection } from './connection.ts';
import { duplex } from './duplex.ts';

/** What is followed: one key, or all up to `range_end`, and what its events mean. */
export interface Followed<Change> {
  readonly range: { readonly key: Buffer; readonly range_end?: Buffer };
  /** Returns `undefined` for an event that changes nothing. */
  readonly toChange: (event: IEvent) => Change | undefined;
}

/**
 * Watches after the revision `after` on a stream of its own, on a member that answers, and leaves the member
 * when it fails. Progress notifications are not asked for: etcd 3.4 and early 3.5 send some ahead of events.
 * @throws {HistoryLostError}
 * @throws {RegistryUnavailableError} when the watch breaks
 */
export async function follow<Change>(
  connection: Connection,
  { range, toChange }: Followed<Change>,
  { after, onStep, signal }: FollowOptions<Change>,
): Promise<never> {
  const { member, stream, failed } = await connection.call((attempt) => Promise.resolve(attempt), { signal });
  const request = { create_request: { ...range, start_revision: `${after + 1n}` } };
  try {
    const opened = await member.client.watchClient.watch(stream);
    const over = AbortSignal.any([signal, member.gone]);
    for await (const response of duplex<IWatchRequest, IWatchResponse>(opened, request, over)) {
      onStep(toStep(response, toChange));
    }
    throw new Error('etcd ended the watch');
  } catch (error) {
    signal.throwIfAborted();
    throw error instanceof HistoryLostError ? error : failed(error);
  }
}

function toStep<Change>(
  { canceled, cancel_reason, compact_revision, events }: IWatchResponse,
  toChange: (event: IEvent) => Change | undefined,
): WatchStep<Change> {
  if (compact_revision !== '0')
    throw new HistoryLostError(`etcd was compacted at revision ${compact_revision}`);
  if (canceled) {
    throw cancel_reason.includes('permission denied')
      ? new RefusedError(cancel_reason)
      : new Error(cancel_reason || 'etcd cancelled the watch');
  }
  return events.flatMap((event) => {
    const change = toChange(event);
    return change === undefined ? [] : [{ revision: BigInt(event.kv.mod_revision), change }];
  });
}
