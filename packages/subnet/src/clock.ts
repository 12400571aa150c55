import { uptime } from 'node:os';
import { setTimeout as delay } from 'node:timers/promises';

/** Time, so that tests can make it pass. */
export interface Clock {
  /**
   * Returns the milliseconds since the machine was booted. Steps of the wall clock do not move it, and it
   * goes on while the machine sleeps or the process is stopped.
   */
  now(): number;
  /**
   * Resolves after `ms` milliseconds. The time that a machine sleeps may not count: see {@link waitUntil}.
   * @throws the signal's reason when it aborts before.
   */
  delay(ms: number, options?: { readonly signal?: AbortSignal | undefined }): Promise<void>;
}

/** The machine's clock. */
export const systemClock: Clock = {
  // Linux' CLOCK_BOOTTIME, by way of /proc/uptime, in steps of 10 ms. `performance.now()` would stand still
  // while the machine sleeps.
  now: () => uptime() * 1000,
  delay: (ms, options) => delay(ms, undefined, options),
};

/** The longest wait at once, in milliseconds, after which {@link Clock.now} is asked again. */
export const LONGEST_WAIT_MS = 60_000;

/**
 * Resolves when the clock shows `time`, and at most a minute later after a machine has slept.
 * @throws the signal's reason when it aborts before.
 */
export async function waitUntil(
  clock: Clock,
  time: number,
  options?: { readonly signal?: AbortSignal | undefined },
): Promise<void> {
  for (let left; (left = time - clock.now()) > 0;)
    await clock.delay(Math.min(left, LONGEST_WAIT_MS), options);
}
