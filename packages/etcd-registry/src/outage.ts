import type { Clock, Logger } from '@flannel-ts/subnet';

const FIRST_DELAY_MS = 100;
const LONGEST_DELAY_MS = 1_000;

/** Tells of an outage once at its start and once at its end, however many attempts it lasts. */
export interface Outage {
  /** Reports a failed attempt and waits a while, longer every time; returns at once when the signal aborts. */
  failed(error: unknown, signal: AbortSignal): Promise<void>;
  /** Reports that everything works. */
  over(): void;
}

export function createOutage({
  clock,
  log,
  random,
}: {
  readonly clock: Clock;
  readonly log: Logger;
  /** Spreads the return of many hosts. */
  readonly random: () => number;
}): Outage {
  let began: number | undefined;
  let delay = FIRST_DELAY_MS;
  return {
    async failed(error, signal) {
      if (signal.aborted) return;
      if (began === undefined)
        log.warn({ error }, 'the watch of the leases is interrupted; trying until it is back');
      began ??= clock.now();
      await clock.delay(delay * (0.5 + random() / 2), { signal }).catch(() => undefined);
      delay = Math.min(2 * delay, LONGEST_DELAY_MS);
    },
    over() {
      if (began !== undefined) log.info({ ms: clock.now() - began }, 'the watch of the leases is back');
      began = undefined;
      delay = FIRST_DELAY_MS;
    },
  };
}
