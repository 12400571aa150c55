import type { Clock, LeaseEvent, Logger } from '@flannel-ts/subnet';
import type { IWatchResponse } from 'etcd3';
import type { Keys } from '../keys.ts';
import type { Connection } from './connection.ts';
import type { Entries } from './entries.ts';
import { follow, HistoryLostError } from './follow.ts';
import { createOutage } from './outage.ts';

export interface WatchComponents {
  readonly connection: Connection;
  readonly entries: Entries;
  readonly keys: Keys;
  readonly clock: Clock;
  readonly log: Logger;
  readonly random: () => number;
}

/**
 * All leases, then every change once and in order: each stream begins at the revision after the last one
 * seen. When etcd does not know that revision any more, because of a compaction or a restored backup,
 * another snapshot follows.
 */
export async function* watchLeases(
  components: WatchComponents,
  signal: AbortSignal,
): AsyncGenerator<LeaseEvent> {
  const { entries, log } = components;
  const outage = createOutage(components);
  let seen: bigint | undefined;
  while (!signal.aborted) {
    try {
      if (seen === undefined) {
        const { leases, revision } = await entries.readAll({ signal });
        outage.over();
        seen = revision;
        yield { kind: 'snapshot', leases };
      }
      for await (const response of follow(components, seen, signal)) {
        outage.over();
        seen = lastRevision(response) ?? seen;
        const changes = response.events
          .map((event) => entries.toChange(event))
          .filter((change) => change !== undefined);
        if (changes.length > 0) yield { kind: 'delta', changes };
      }
    } catch (error) {
      if (error instanceof HistoryLostError) {
        log.info({ error }, 'changes of the leases are not in etcd any more; reading all leases again');
        seen = undefined;
      } else {
        await outage.failed(error, signal);
      }
    }
  }
}

/** The revision up to which this response and those before it tell every change, if it says so. */
function lastRevision({ created, events, header }: IWatchResponse): bigint | undefined {
  const last = events.at(-1);
  if (last) return BigInt(last.kv.mod_revision);
  return created ? undefined : BigInt(header.revision);
}
