import { setTimeout as delay } from 'node:timers/promises';

/** Milliseconds of the first wait at most; doubled up to the longest. */
const FIRST_MS = 1_000;
const LONGEST_MS = 60_000;

/** Waits between attempts: exponential, with full jitter, so that the hosts of a cluster do not retry together. */
export interface Backoff {
  /** Waits before the next attempt. @throws the signal's reason when it aborts before */
  wait(signal: AbortSignal): Promise<void>;
  /** The last attempt succeeded: the next wait is short again. */
  reset(): void;
}

export function createBackoff(random: () => number = Math.random): Backoff {
  let longest = FIRST_MS;
  return {
    async wait(signal) {
      const ms = longest * random();
      longest = Math.min(2 * longest, LONGEST_MS);
      await delay(ms, undefined, { signal });
    },
    reset() {
      longest = FIRST_MS;
    },
  };
}
