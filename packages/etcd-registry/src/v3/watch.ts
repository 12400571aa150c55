import type { Clock, LeaseEvent, Logger } from '@flannel-ts/subnet';
import type { IWatchResponse } from 'etcd3';
import type { Keys } from '../keys.ts';
import { watchSource, type WatchStep } from '../watch.ts';
import type { Connection } from './connection.ts';
import type { Entries } from './entries.ts';
import { follow } from './follow.ts';

export interface WatchComponents {
  readonly connection: Connection;
  readonly entries: Entries;
  readonly keys: Keys;
  readonly clock: Clock;
  readonly log: Logger;
  readonly random: () => number;
}

/**
 * All leases, then every change once and in order. Revisions are lost by a compaction or when etcd is
 * restored from a backup.
 */
export function watchLeases(components: WatchComponents, signal: AbortSignal): AsyncGenerator<LeaseEvent> {
  const { entries } = components;

  async function* steps(begin: bigint, followed: AbortSignal): AsyncGenerator<WatchStep> {
    let seen = begin;
    for await (const response of follow(components, begin, followed)) {
      seen = lastRevision(response) ?? seen;
      const changes = response.events
        .map((event) => entries.toChange(event))
        .filter((change) => change !== undefined);
      yield { changes, seen };
    }
  }

  return watchSource(components, { readAll: (options) => entries.readAll(options), follow: steps }, signal);
}

/** The revision up to which this response and those before it tell every change, if it says so. */
function lastRevision({ created, events, header }: IWatchResponse): bigint | undefined {
  const last = events.at(-1);
  if (last) return BigInt(last.kv.mod_revision);
  return created ? undefined : BigInt(header.revision);
}
