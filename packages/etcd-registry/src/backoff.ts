/** Milliseconds that the first delay lasts at most. */
const FIRST_MS = 100;
/** Milliseconds that any delay lasts at most. */
const LONGEST_MS = 60_000;
/** Milliseconds after which what works is not about to fail again. */
const STABLE_MS = 10_000;

/** Exponential backoff with full jitter: each delay is random below a bound that doubles up to a minute. */
export interface Backoff {
  /** Returns the next delay in milliseconds. */
  next(): number;
  /** Begins with the first bound again if what was tried has worked for longer than a delay may last now, or 10 s. */
  worked(ms: number): void;
}

/** Creates a backoff. `random` returns at least 0 and less than 1; it spreads the return of many hosts. */
export function createBackoff(random: () => number): Backoff {
  let bound = FIRST_MS;
  return {
    next() {
      const delay = random() * bound;
      bound = Math.min(2 * bound, LONGEST_MS);
      return delay;
    },
    worked(ms) {
      if (ms > Math.min(bound, STABLE_MS)) bound = FIRST_MS;
    },
  };
}
