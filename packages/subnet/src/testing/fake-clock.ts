import type { Clock } from '../clock.ts';

/** A clock that stands still until a test moves it. */
export interface FakeClock extends Clock {
  /** Moves time on; what waits until then runs, in order of time, each to its next wait. */
  advance(ms: number): Promise<void>;
}

/** Makes a clock that shows `start` milliseconds since the epoch. */
export function createFakeClock(start = 0): FakeClock {
  let now = start;
  const waiting = new Set<{ readonly at: number; readonly resolve: () => void }>();

  return {
    now: () => now,
    delay(ms, options) {
      const signal = options?.signal;
      if (signal?.aborted) return Promise.reject(signal.reason as Error);
      const { promise, resolve, reject } = Promise.withResolvers<undefined>();
      const entry = { at: now + ms, resolve: () => resolve(undefined) };
      waiting.add(entry);
      signal?.addEventListener('abort', () => {
        waiting.delete(entry);
        reject(signal.reason as Error);
      });
      return promise;
    },
    async advance(ms) {
      const end = now + ms;
      for (;;) {
        await settle();
        const [next] = [...waiting].filter(({ at }) => at <= end).sort((a, b) => a.at - b.at);
        if (!next) break;
        now = Math.max(now, next.at);
        waiting.delete(next);
        next.resolve();
      }
      now = end;
    },
  };
}

/** Lets everything run that waits for nothing but promises. */
function settle(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}
