import type { CallOptions, Clock, LeaseChange, LeaseEvent, LeaseSnapshot, Logger } from '@flannel-ts/subnet';
import { createOutage } from './outage.ts';

/** What a watch needs of an etcd API. A revision counts the changes of all keys; v2 calls it index. */
export interface WatchSource {
  /** All leases and the revision they were read at. */
  readAll(options: CallOptions): Promise<LeaseSnapshot & { readonly revision: bigint }>;
  /**
   * Follows the changes after the revision `seen` until the member that tells them fails.
   * @throws {HistoryLostError}
   * @throws {RegistryUnavailableError} when the watch breaks
   */
  follow(seen: bigint, signal: AbortSignal): AsyncIterable<WatchStep>;
}

/** A sign that the watch works, with what changed since the last one. */
export interface WatchStep {
  readonly changes: readonly LeaseChange[];
  /** The revision up to which this step and those before it tell every change. */
  readonly seen: bigint;
}

/** etcd does not have the changes since the last one that was seen. */
export class HistoryLostError extends Error {}

/**
 * All leases, then every change once and in order: a broken watch goes on after the last revision seen.
 * When etcd does not know that revision any more, another snapshot follows.
 */
export async function* watchSource(
  components: { readonly clock: Clock; readonly log: Logger; readonly random: () => number },
  source: WatchSource,
  signal: AbortSignal,
): AsyncGenerator<LeaseEvent> {
  const outage = createOutage(components);
  let seen: bigint | undefined;
  while (!signal.aborted) {
    try {
      if (seen === undefined) {
        const { revision, ...snapshot } = await source.readAll({ signal });
        outage.over();
        seen = revision;
        yield { kind: 'snapshot', ...snapshot };
      }
      for await (const step of source.follow(seen, signal)) {
        outage.over();
        seen = step.seen;
        if (step.changes.length > 0) yield { kind: 'delta', changes: step.changes };
      }
    } catch (error) {
      if (error instanceof HistoryLostError) {
        components.log.info(
          { error },
          'changes of the leases are not in etcd any more; reading all leases again',
        );
        seen = undefined;
      } else {
        await outage.failed(error, signal);
      }
    }
  }
}
