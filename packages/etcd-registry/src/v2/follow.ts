import type { Clock } from '@flannel-ts/subnet';
import { unavailable } from '../failure.ts';
import type { Keys } from '../keys.ts';
import { HistoryLostError, type WatchStep } from '../watch.ts';
import { INDEX_CLEARED } from './answer.ts';
import type { Connection } from './connection.ts';
import { directory, type Entries } from './entries.ts';
import type { Member } from './member.ts';
import { readFrom } from './read.ts';

/** Milliseconds between two signs of life of a watched member. */
const HEARTBEAT_MS = 2_000;
/** Milliseconds that a member has to give one. */
const HEARTBEAT_TIMEOUT_MS = 1_000;

/**
 * Watches the leases after etcd's index `seen` on a member that answers, and leaves it when it fails. Each
 * long poll brings the first change at its index or later, out of the last 1,000 changes of all keys that
 * etcd remembers.
 * @throws {HistoryLostError}
 * @throws {RegistryUnavailableError} when the watch breaks
 */
export async function* follow(
  components: {
    readonly connection: Connection;
    readonly entries: Entries;
    readonly keys: Keys;
    readonly clock: Clock;
  },
  begin: bigint,
  signal: AbortSignal,
): AsyncGenerator<WatchStep> {
  const { connection, entries, keys, clock } = components;
  const { member, index, leave } = await connection.call(
    async ({ member, deadline, leave }) => {
      const { index } = await readFrom(member, keys.config, deadline);
      return { member, index: BigInt(index), leave };
    },
    { signal },
  );
  // An index of the future would be waited for, and what happens until then be missed.
  if (index < begin) throw new HistoryLostError(`etcd is at index ${index}, we were at ${begin}`);
  yield { changes: [], seen: begin };
  try {
    using heart = startHeartbeat({ clock, member }, signal);
    for (let seen = begin; ;) {
      const query = { wait: true, recursive: true, waitIndex: `${seen + 1n}` } as const;
      const answer = await member.wait({ key: directory(keys), query }, heart.stopped);
      if (!answer) continue;
      if (answer.kind === 'done') {
        seen = BigInt(answer.node.modifiedIndex);
        const change = entries.toChange(answer);
        yield { changes: change ? [change] : [], seen };
      } else if (answer.code === INDEX_CLEARED) {
        throw new HistoryLostError(`etcd has cleared the changes after index ${seen}`);
      } else {
        throw new Error(`etcd refuses the watch: error code ${answer.code}`);
      }
    }
  } catch (error) {
    if (signal.aborted || error instanceof HistoryLostError) throw error;
    leave();
    throw unavailable([{ endpoint: member.endpoint, error }]);
  }
}

/**
 * Probes a member while it is silent, as a long poll shows neither that it hangs nor that it is cut off from
 * its cluster. `stopped` aborts when it fails, or with the signal.
 */
function startHeartbeat(
  { clock, member }: { readonly clock: Clock; readonly member: Member },
  signal: AbortSignal,
): Disposable & { readonly stopped: AbortSignal } {
  const left = new AbortController();
  const dead = new AbortController();
  const over = AbortSignal.any([signal, left.signal]);

  async function beat(): Promise<never> {
    for (;;) {
      await clock.delay(HEARTBEAT_MS, { signal: over });
      await member.probe(Date.now() + HEARTBEAT_TIMEOUT_MS);
    }
  }

  beat().catch((error: unknown) => dead.abort(error));
  return { stopped: AbortSignal.any([signal, dead.signal]), [Symbol.dispose]: () => left.abort() };
}
