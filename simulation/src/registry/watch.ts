import { RegistryUnavailableError, type LeaseChange, type LeaseEvent } from '@flannel-ts/subnet';
import type { HostTime } from '../world/host-time.ts';
import type { RandomSource } from '../world/random.ts';
import type { Scheduler } from '../world/scheduler.ts';
import type { Network } from './network.ts';
import { createEventQueue } from './event-queue.ts';
import { snapshotOf } from './registry.ts';
import type { Change, Store } from './store.ts';

export type WatchLeases = (signal: AbortSignal | undefined) => AsyncIterable<LeaseEvent>;

/** A running watch, as the store and faults see it. */
export interface Watch {
  /** Events that its host has not taken yet. */
  readonly waiting: number;
  /** Called when there are changes in the store to look at. */
  notify(): void;
  /** The stream ends; the watch begins again by itself. */
  interrupt(): void;
  /** While true, changes pass by unseen and without an error: etcd's defects. */
  deaf: boolean;
}

/** How a watch makes sure of the truth. */
export interface WatchRules {
  /** List after every interruption, instead of resuming at the last revision that was seen. */
  readonly listAfterInterruption: boolean;
  /** List every few minutes. */
  readonly listPeriodically: boolean;
}

const LISTING_PERIOD_MS = 5 * 60_000;
const LISTING_JITTER_MS = 60_000;
/** Until an interruption is noticed. */
const NOTICE_MS = 3000;
const LONGEST_BACKOFF_MS = 60_000;

/**
 * Follows the store over one host's network, by the contract of `watchLeases`: a snapshot first, every
 * change once and in order, the truth listed again after every interruption and every few minutes.
 */
export function createWatches(components: {
  readonly scheduler: Scheduler;
  readonly store: Store;
  readonly network: Network;
  readonly time: HostTime;
  readonly random: RandomSource;
  readonly rules: WatchRules;
  /** The watches of this host that run now. */
  readonly running: Set<Watch>;
}): WatchLeases {
  const { scheduler, store, network, time, random, rules, running } = components;

  return (signal) => {
    const queue = createEventQueue(() => running.delete(watch));
    let connected = false;
    /** The last revision that was seen, and of which history. */
    let seen = 0;
    let history = -Infinity;
    let delivery = false;
    let listing = false;

    const watch: Watch = {
      deaf: false,
      get waiting() {
        return queue.waiting;
      },
      notify() {
        if (!connected || delivery) return;
        delivery = true;
        scheduler.at(scheduler.now + network.latency(), arrive);
      },
      interrupt() {
        if (!connected) return;
        connected = false;
        connectIn(random.next() * NOTICE_MS);
      },
    };

    const arrive = () => time.deliver(deliver);

    function deliver(): void {
      delivery = false;
      if (!connected || queue.ended) return;
      const changes = network.isCut ? undefined : store.changesAfter(seen);
      if (changes) take(changes);
      else watch.interrupt();
    }

    function take(changes: readonly Change[]): void {
      if (changes.length === 0) return;
      seen = store.revision;
      if (watch.deaf) {
        listLater();
        return;
      }
      if (changes.length === 1) {
        if (changes[0]!.event) queue.push(changes[0]!.event);
        return;
      }
      const all: LeaseChange[] = changes.flatMap(({ event }) =>
        event?.kind === 'delta' ? event.changes : [],
      );
      if (all.length > 0) queue.push({ kind: 'delta', changes: all });
    }

    /** A periodic listing changes something only after a miss, so that only then it is carried out. */
    function listLater(): void {
      if (listing || !rules.listPeriodically) return;
      listing = true;
      time.after(random.next() * (LISTING_PERIOD_MS + LISTING_JITTER_MS), () => {
        listing = false;
        if (!connected || queue.ended) return;
        connected = false;
        list(1000);
      });
    }

    /** Goes on after what was seen, although that may be of a history that a restore has replaced. */
    function resume(): void {
      connected = true;
      if (history !== store.replacedAt) listLater();
      watch.notify();
    }

    function connectIn(ms: number, backoffMs = 1000): void {
      time.after(ms, () => {
        if (queue.ended || connected) return;
        const resumed = rules.listAfterInterruption || seen === 0 ? undefined : store.changesAfter(seen);
        if (!resumed || network.isCut) list(backoffMs);
        else resume();
      });
    }

    /** Leaves out the requests that a network which is cut would lose; the one that reaches it comes after. */
    function waitForNetwork(): void {
      const { cutUntil } = network;
      const longestMs = network.lose() + Math.min(cutUntil - scheduler.now, LONGEST_BACKOFF_MS);
      const goOn = () => connectIn(random.next() * longestMs);
      scheduler.at(cutUntil, () => time.deliver(goOn));
    }

    function list(backoffMs: number): void {
      if (network.isCut) {
        waitForNetwork();
        return;
      }
      network
        .call(() => {
          const { entries, revision, replacedAt } = store;
          return { snapshot: snapshotOf(entries.values()), revision, replacedAt };
        }, signal)
        .then(
          ({ snapshot, revision, replacedAt }) => {
            if (queue.ended) return;
            seen = revision;
            history = replacedAt;
            queue.push({ kind: 'snapshot', ...snapshot });
            resume();
          },
          (error: unknown) => {
            if (queue.ended) return;
            if (!(error instanceof RegistryUnavailableError)) throw error;
            connectIn(random.next() * backoffMs, Math.min(2 * backoffMs, LONGEST_BACKOFF_MS));
          },
        );
    }

    if (signal?.aborted) queue.end();
    else {
      signal?.addEventListener('abort', queue.end, { once: true });
      running.add(watch);
      list(1000);
    }
    return queue.events;
  };
}
