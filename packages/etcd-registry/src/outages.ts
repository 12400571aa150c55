import type { Clock } from '@flannel-ts/subnet';

/** What a registry reports about its watches. */
export type RegistryEvent =
  /** A watch does not work; it is tried again until it does. Reported again when the reason has changed for good. */
  | { readonly kind: 'interrupted'; readonly reason: string }
  /** All watches work again, so many milliseconds after the interruption began. */
  | { readonly kind: 'restored'; readonly afterMs: number };

/** The outages of one registry, seen by each of its watches and reported once. */
export interface Outages {
  /** Adds a watch, which works so far. */
  add(): WatchOutage;
}

/** Whether one watch works. */
export interface WatchOutage {
  failed(reason: string): void;
  over(): void;
  /** Forgets the watch, when it has ended. */
  remove(): void;
}

/** How often in a row another reason is seen before it is reported: a reason that alternates is not news. */
const SEEN_FOR_GOOD = 3;

/** Creates the outages of one registry; `onEvent` gets what changes. */
export function createOutages({
  clock,
  onEvent,
}: {
  readonly clock: Clock;
  readonly onEvent: (event: RegistryEvent) => void;
}): Outages {
  const failing = new Set<WatchOutage>();
  let reported: { readonly reason: string; readonly since: number } | undefined;
  let other = { reason: '', seen: 0 };

  function report(reason: string): void {
    reported = { reason, since: reported?.since ?? clock.now() };
    other = { reason: '', seen: 0 };
    onEvent({ kind: 'interrupted', reason });
  }

  /** A watch works again, or has ended. */
  function settle(watch: WatchOutage): void {
    failing.delete(watch);
    if (!reported || failing.size > 0) return;
    const afterMs = clock.now() - reported.since;
    reported = undefined;
    onEvent({ kind: 'restored', afterMs });
  }

  return {
    add() {
      const watch: WatchOutage = {
        failed(reason) {
          failing.add(watch);
          other = { reason, seen: reason === other.reason ? other.seen + 1 : 1 };
          const isNews = reason !== reported?.reason && other.seen === SEEN_FOR_GOOD;
          if (!reported || isNews) report(reason);
        },
        over: () => settle(watch),
        remove: () => settle(watch),
      };
      return watch;
    },
  };
}
