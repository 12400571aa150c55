import type { Clock } from '@flannel-ts/subnet';
import type { IWatchResponse } from 'etcd3';
import { unavailable } from '../failure.ts';
import type { Keys } from '../keys.ts';
import { HistoryLostError } from '../watch.ts';
import type { Connection } from './connection.ts';
import { watchStream } from './watch-stream.ts';

/**
 * Watches the leases from the revision after `seen` on a member that answers, and leaves it when it fails.
 * @throws {HistoryLostError}
 * @throws {RegistryUnavailableError} when the watch breaks
 */
export async function* follow(
  components: { readonly connection: Connection; readonly keys: Keys; readonly clock: Clock },
  seen: bigint,
  signal: AbortSignal,
): AsyncGenerator<IWatchResponse> {
  const { connection, keys, clock } = components;
  const probeKey = Buffer.from(keys.config);
  const { member, revision, leave } = await connection.call(
    async ({ member, request, leave }) => {
      const { header } = await member.client.kv.range({ key: probeKey, count_only: true }, request);
      return { member, revision: BigInt(header.revision), leave };
    },
    { signal },
  );
  if (revision < seen) throw new HistoryLostError(`etcd is at revision ${revision}, we were at ${seen}`);
  const request = {
    key: Buffer.from(keys.subnets),
    range_end: Buffer.from(keys.subnetsEnd),
    start_revision: `${seen + 1n}`,
    progress_notify: true,
  };
  try {
    for await (const response of watchStream({ clock, member }, { request, probeKey }, signal)) {
      if (response.compact_revision !== '0') {
        throw new HistoryLostError(`etcd was compacted at revision ${response.compact_revision}`);
      }
      if (response.canceled) throw new Error(response.cancel_reason);
      yield response;
    }
  } catch (error) {
    if (signal.aborted || error instanceof HistoryLostError) throw error;
    leave();
    throw unavailable([{ endpoint: member.endpoint, error }]);
  }
}
