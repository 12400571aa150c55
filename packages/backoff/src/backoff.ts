export interface BackoffOptions {
  /** Returns at least 0 and less than 1; it spreads the attempts of many hosts. `Math.random` fits. */
  readonly random: () => number;
  /** Milliseconds that the first delay lasts at most. @default 1000 */
  readonly firstMs?: number | undefined;
  /** Milliseconds that any delay lasts at most. @default 60000 */
  readonly longestMs?: number | undefined;
}

/**
 * Returns how long to wait after a failed attempt, in milliseconds: random below a bound that doubles with each
 * attempt (full jitter), so that what failed at the same time is not tried again at the same time.
 * @param failures - how many attempts have failed in a row, from 1
 */
export function fullJitterMs(
  failures: number,
  { random, firstMs = 1_000, longestMs = 60_000 }: BackoffOptions,
): number {
  return random() * Math.min(longestMs, firstMs * 2 ** (failures - 1));
}

/** The delays between attempts at one thing. */
export interface Backoff {
  /** Returns the delay after another failure, in milliseconds. */
  next(): number;
  /** Begins with the first bound again. */
  reset(): void;
  /** Begins with the first bound again if what was tried has worked for longer than the next delay may last, or 10 s. */
  worked(ms: number): void;
}

/** Milliseconds after which what works is not about to fail again. */
const STABLE_MS = 10_000;

export function createBackoff(options: BackoffOptions): Backoff {
  let failures = 0;
  const next = (random: () => number) => fullJitterMs(failures + 1, { ...options, random });
  return {
    next() {
      const delay = next(options.random);
      failures++;
      return delay;
    },
    reset() {
      failures = 0;
    },
    worked(ms) {
      if (
        ms >
        Math.min(
          next(() => 1),
          STABLE_MS,
        )
      )
        failures = 0;
    },
  };
}
