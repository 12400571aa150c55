import type { Clock } from '@flannel-ts/subnet';
import type { HostTime } from './host-time.ts';

/** The longest wait of a keeper in milliseconds: it asks the clock again each minute. */
const STEP_MS = 60_000;
/** The longest wait in one, for a reservation, which is never renewed. */
const LONGEST_MS = 24 * 60 * STEP_MS;

/**
 * Makes a host's clock for a keeper. A keeper that has nothing to do waits a minute, sees that it has
 * nothing to do and waits again, a thousand times a day. From the second such wait on, this clock makes one
 * wait of all those that end before `idleUntil` (by `clock`), so that a simulated day costs one. A pause of
 * the host ends it within a minute, as it ends the short ones.
 */
export function createIdleClock(clock: Clock, time: HostTime, idleUntil: () => number): Clock {
  let isIdle = false;

  async function wait(ms: number, signal: AbortSignal | undefined): Promise<void> {
    const wake = new AbortController();
    const onAbort = () => wake.abort(signal?.reason);
    signal?.addEventListener('abort', onAbort, { once: true });
    const off = time.onResume(() => wake.abort());
    try {
      await clock.delay(ms, { signal: wake.signal });
    } catch (error) {
      if (signal?.aborted) throw error;
      await clock.delay(STEP_MS, { signal });
    } finally {
      off();
      signal?.removeEventListener('abort', onAbort);
    }
  }

  return {
    now: () => clock.now(),
    async delay(ms, { signal } = {}) {
      const steps = isIdle && ms === STEP_MS ? Math.floor((idleUntil() - clock.now()) / STEP_MS) : 1;
      isIdle = false;
      await (steps > 1 ? wait(Math.min(steps * STEP_MS, LONGEST_MS), signal) : clock.delay(ms, { signal }));
      isIdle = ms === STEP_MS;
    },
  };
}
