/** The longest span of a delay, in milliseconds. */
const LONGEST_MS = 60_000;
/** The span of the first delay that is none, in milliseconds. */
const SHORTEST_MS = 1_000;

/** How long to wait before each attempt to repair something that keeps failing. */
export interface Backoff {
  /**
   * Returns the delay before the next attempt in milliseconds: none at first, then a random part of a span that
   * doubles with every attempt, from a second up to a minute.
   */
  next(): number;
  /** Starts over: the next attempt comes at once. */
  reset(): void;
}

/** @param random - yields numbers from 0 up to, but not including, 1 */
export function createBackoff(random: () => number): Backoff {
  let attempts = 0;
  return {
    next() {
      const span = attempts === 0 ? 0 : Math.min(SHORTEST_MS * 2 ** (attempts - 1), LONGEST_MS);
      attempts++;
      return random() * span;
    },
    reset() {
      attempts = 0;
    },
  };
}
