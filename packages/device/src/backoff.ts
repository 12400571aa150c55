/**
 * Returns how long to wait before an attempt, in milliseconds: exponential with full jitter, so that what
 * failed at the same time is not tried again at the same time.
 * @param attempt - how many have failed before this one, from 1
 * @param random - of [0, 1)
 */
export function backoffMs(attempt: number, random: () => number): number {
  return random() * Math.min(FIRST_MS * 2 ** (attempt - 1), LONGEST_MS);
}

const FIRST_MS = 1_000;
const LONGEST_MS = 60_000;
