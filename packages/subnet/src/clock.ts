import { setTimeout as delay } from 'node:timers/promises';

/** Time, so that tests can make it pass. */
export interface Clock {
  /** Milliseconds since the epoch. */
  now(): number;
  /** Resolves after `ms` milliseconds. @throws the signal's reason when it aborts before. */
  delay(ms: number, options?: { readonly signal?: AbortSignal | undefined }): Promise<void>;
}

/** The machine's clock. */
export const systemClock: Clock = {
  now: () => Date.now(),
  delay: (ms, options) => delay(ms, undefined, options),
};
