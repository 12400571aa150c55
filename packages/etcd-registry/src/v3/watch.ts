import type { Clock, LeaseEvent, Logger } from '@flannel-ts/subnet';
import type { IWatchResponse } from 'etcd3';
import type { Keys } from '../keys.ts';
import type { Connection } from './connection.ts';
import type { Entries } from './entries.ts';
import { createOutage } from './outage.ts';
import { watchStream } from './watch-stream.ts';

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
        if (response.canceled) throw new Error(`etcd ended the watch: ${response.cancel_reason}`);
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

/** etcd does not have the changes since the last one that was seen. */
class HistoryLostError extends Error {}

/** Watches from the revision after `seen` on a member that answers. @throws {HistoryLostError} */
async function* follow(
  { connection, keys, clock }: WatchComponents,
  seen: bigint,
  signal: AbortSignal,
): AsyncGenerator<IWatchResponse> {
  const probeKey = Buffer.from(keys.config);
  const { member, revision } = await connection.call(
    async (member, deadline) => {
      const range = { key: probeKey, count_only: true };
      const { header } = await member.client.kv.range(range, member.request(deadline));
      return { member, revision: BigInt(header.revision) };
    },
    { signal },
  );
  if (revision < seen) throw new HistoryLostError(`etcd is at revision ${revision}, we were at ${seen}`);
  const request = {
    key: Buffer.from(keys.subnets),
    range_end: Buffer.from(keys.subnetsEnd),
    start_revision: `${seen + 1n}`,
    progress_notify: true,
    probeKey,
  };
  for await (const response of watchStream({ clock, member }, request, signal)) {
    if (response.compact_revision !== '0') {
      throw new HistoryLostError(`etcd was compacted at revision ${response.compact_revision}`);
    }
    yield response;
  }
}

/** The revision up to which this response and those before it tell every change, if it says so. */
function lastRevision({ created, events, header }: IWatchResponse): bigint | undefined {
  const last = events.at(-1);
  if (last) return BigInt(last.kv.mod_revision);
  return created ? undefined : BigInt(header.revision);
}
