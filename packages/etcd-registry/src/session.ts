import { waitUntil, type Clock, type Logger } from '@flannel-ts/subnet';
import type { Ledger } from './ledger.ts';
import { HistoryLostError, type WatchEvent, type WatchSource, type WatchStep } from './watch.ts';

/** Milliseconds that a watch may take to deliver what a listing shows. */
const DELIVERY_MS = 5_000;
/** How many missed changes are named. */
const NAMED = 5;

export interface SessionComponents {
  readonly clock: Clock;
  readonly log: Logger;
  readonly random: () => number;
  /** Milliseconds between two listings at most, and half of it at least. */
  readonly relistMs: number;
}

/** What one session works on, and who hears of it. */
export interface SessionParts<Listing, Change> {
  readonly source: WatchSource<Listing, Change>;
  readonly ledger: Ledger<Listing, Change>;
  readonly emit: (event: WatchEvent<Listing, Change>) => void;
  /** Called whenever the watch shows that it works. */
  readonly onWorks: () => void;
}

/**
 * Lists, follows the changes after the listing, and lists again now and then, until the watch is interrupted.
 * A listing that is older than what the watch has delivered meanwhile is dropped; changes that a listing has
 * shown are not emitted again when the watch brings them.
 * @throws {HistoryLostError} also when the watch has missed changes
 * @throws {RegistryUnavailableError}
 */
export async function runSession<Listing, Change>(
  { clock, log, random, relistMs }: SessionComponents,
  { source, ledger, emit, onWorks }: SessionParts<Listing, Change>,
  signal: AbortSignal,
): Promise<never> {
  const first = await source.list({ signal });
  const ended = new AbortController();
  const over = AbortSignal.any([signal, ended.signal]);
  let seen = first.revision;
  ledger.replace(first);
  emit({ kind: 'listing', listing: first });
  /** Changes that a listing has shown and the watch has not delivered yet. */
  const ahead = new Set<string>();

  function take(step: WatchStep<Change>): void {
    if (over.aborted) return;
    onWorks();
    const known = seen;
    for (const { revision, change } of step) if (revision <= known) ahead.delete(ledger.identify(change));
    const changes = step.filter(({ revision }) => revision > known).map(({ change }) => change);
    if (changes.length === 0) return;
    seen = step.at(-1)!.revision;
    ledger.apply(changes);
    emit({ kind: 'changes', changes });
  }

  async function relist(): Promise<never> {
    for (;;) {
      await waitUntil(clock, clock.now() + relistMs * (0.5 + random() / 2), { signal: over });
      const asked = seen;
      const listing = await source.list({ signal: over });
      if (listing.revision < asked)
        throw new HistoryLostError(`etcd went back from revision ${asked} to ${listing.revision}`);
      if (listing.revision < seen) continue;
      seen = listing.revision;
      for (const change of ledger.replace(listing)) ahead.add(ledger.identify(change));
      emit({ kind: 'listing', listing });
      if (ahead.size > 0) await checkDelivery();
    }
  }

  async function checkDelivery(): Promise<void> {
    await clock.delay(Math.min(DELIVERY_MS, relistMs), { signal: over });
    if (ahead.size === 0) return;
    log.warn(
      { missed: [...ahead].slice(0, NAMED), count: ahead.size },
      `etcd's watch of the ${ledger.subject} has missed changes that a listing shows; it is started again`,
    );
    throw new HistoryLostError('the watch has missed changes');
  }

  try {
    return await Promise.race([source.follow(seen, take, over), relist()]);
  } finally {
    ended.abort();
  }
}
