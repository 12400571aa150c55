import type { Clock } from '@flannel-ts/subnet';
import type { Liveness } from '../options.ts';
import { HistoryLostError, type FollowOptions } from '../watch.ts';
import { INDEX_CLEARED, type Answer } from './answer.ts';
import type { Connection } from './connection.ts';
import type { KeyRequest, Member } from './member.ts';

type Event = Extract<Answer, { readonly kind: 'done' }>;

/** What is followed: a key, or with those below it, and what its events mean. */
export interface Followed<Change> {
  readonly key: string;
  /** Returns `undefined` for an event that changes nothing. @throws {HistoryLostError} when it does not tell what */
  readonly toChange: (event: Event) => Change | undefined;
}

export interface FollowComponents {
  readonly connection: Connection;
  readonly clock: Clock;
  readonly random: () => number;
  readonly liveness: Liveness;
}

/**
 * Watches after etcd's index `after` on a member that answers, and leaves the member when it fails. Each long
 * poll brings the first change at its index or later, out of the last 1,000 changes of all keys that etcd
 * remembers.
 * @throws {HistoryLostError}
 * @throws {RegistryUnavailableError} when the watch breaks
 */
export async function follow<Change>(
  components: FollowComponents,
  { key, toChange }: Followed<Change>,
  { after, onStep, signal }: FollowOptions<Change>,
): Promise<never> {
  const { connection } = components;
  const { member, failed } = await connection.call((attempt) => Promise.resolve(attempt), { signal });
  const left = new AbortController();
  const over = AbortSignal.any([signal, left.signal, member.gone]);
  const beating = probeNowAndThen(components, member, over);

  async function poll(): Promise<never> {
    for (let seen = after; ;) {
      const query = { wait: true, recursive: true, waitIndex: `${seen + 1n}` } as const;
      const event = await nextEvent(
        member,
        { key, query },
        { seen, signal: over, onWaiting: () => onStep([]) },
      );
      seen = BigInt(event.node.modifiedIndex);
      const change = toChange(event);
      if (change !== undefined) onStep([{ revision: seen, change }]);
    }
  }

  try {
    return await Promise.race([poll(), beating]);
  } catch (error) {
    signal.throwIfAborted();
    throw error instanceof HistoryLostError ? error : failed(error);
  } finally {
    left.abort();
  }
}

/** Waits for the first event after the index `seen`. */
async function nextEvent(
  member: Member,
  request: KeyRequest,
  {
    seen,
    signal,
    onWaiting,
  }: { readonly seen: bigint; readonly signal: AbortSignal; readonly onWaiting: () => void },
): Promise<Event> {
  const lost = Promise.withResolvers<never>();
  const onIndex = (index: bigint) => {
    // An index of the future would be waited for, and what happens until then be missed.
    if (index < seen)
      lost.reject(new HistoryLostError(`etcd is at index ${index}, the watch was at ${seen}`));
    else onWaiting();
  };
  const answer = await Promise.race([member.wait(request, { signal, onIndex }), lost.promise]);
  if (answer?.kind === 'done') return answer;
  if (!answer) throw new HistoryLostError('etcd has ended the long poll');
  if (answer.code === INDEX_CLEARED)
    throw new HistoryLostError(`etcd has cleared the changes after index ${seen}`);
  throw new Error(`etcd refuses the watch: error code ${answer.code}`);
}

/**
 * Probes a member now and then, as a long poll shows neither that it hangs nor that it is cut off from its
 * cluster. Rejects when it fails, or with the signal.
 */
async function probeNowAndThen(
  { clock, random, liveness }: FollowComponents,
  member: Member,
  signal: AbortSignal,
): Promise<never> {
  for (;;) {
    await clock.delay(liveness.intervalMs * (1 + random()), { signal });
    await member.probe(performance.now() + liveness.timeoutMs);
  }
}
