import type { Scheduler } from './scheduler.ts';

/** `blocking`: the registry is out of reach. `disturbing`: some answers may be late, lost or wrong. */
export type Trouble = 'blocking' | 'disturbing';

/** What kept one host from its work and when, for judging whether a failure has an excuse. */
export interface Troubles {
  begin(kind: Trouble): void;
  end(kind: Trouble): void;
  /** Something happened to the host that it needs time to recover from. */
  mark(): void;
  /** Counts a request that is given up at a time, now or soon. */
  readonly failed: (at: number) => void;
  /** Whether nothing has disturbed the host for `ms`. */
  calmFor(ms: number): boolean;
  /** Milliseconds from `start` to `end` during which the registry was out of reach. */
  blockedBetween(start: number, end: number): number;
  /** Requests that failed from `start` to `end`. */
  failuresBetween(start: number, end: number): number;
}

/** Enough for every question, which is about the last hours. */
const KEPT = 64;

export function createTroubles(scheduler: Scheduler): Troubles {
  const blocked: { readonly from: number; to: number }[] = [];
  const failures: number[] = [];
  const reasons = { blocking: 0, disturbing: 0 };
  let lastAt = -Infinity;

  const mark = (at = scheduler.now) => (lastAt = Math.max(lastAt, at));

  return {
    mark: () => void mark(),
    begin(kind) {
      mark();
      if (reasons[kind]++ > 0 || kind === 'disturbing') return;
      blocked.push({ from: scheduler.now, to: Infinity });
      if (blocked.length > KEPT) blocked.shift();
    },
    end(kind) {
      mark();
      if (--reasons[kind] === 0 && kind === 'blocking') blocked.at(-1)!.to = scheduler.now;
    },
    failed(at) {
      mark(at);
      failures.push(at);
      if (failures.length > KEPT) failures.shift();
    },
    calmFor: (ms) => reasons.blocking + reasons.disturbing === 0 && lastAt <= scheduler.now - ms,
    blockedBetween: (start, end) =>
      blocked.reduce((sum, { from, to }) => sum + Math.max(0, Math.min(to, end) - Math.max(from, start)), 0),
    failuresBetween: (start, end) => failures.filter((time) => time >= start && time <= end).length,
  };
}
