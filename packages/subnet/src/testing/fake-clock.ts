import type { Clock } from '../clock.ts';

/** A clock that stands still until a test moves it. */
export interface FakeClock extends Clock {
  /** Moves time on; what waits until then runs, in order of time, each to its next wait. */
  advance(ms: number): Promise<void>;
  /** Moves time on as a machine that sleeps does: what waits goes on waiting, as long as it would have before. */
  suspend(ms: number): void;
}

/** One call of {@link Clock.delay}. */
interface Wait {
  at: number;
  readonly resolve: () => void;
}

/** Makes a clock that shows `start` milliseconds since the boot. */
export function createFakeClock(start = 0): FakeClock {
  let now = start;
  const waits = new Set<Wait>();

  /** Returns the wait that ends first, if one ends by `end`. */
  function next(end: number): Wait | undefined {
    let first: Wait | undefined;
    for (const wait of waits) if (wait.at <= end && !(first && first.at <= wait.at)) first = wait;
    return first;
  }

  return {
    now: () => now,
    delay(ms, { signal } = {}) {
      if (signal?.aborted) return Promise.reject(signal.reason as Error);
      const { promise, resolve, reject } = Promise.withResolvers<void>();
      const wait = { at: now + ms, resolve };
      const abort = () => {
        waits.delete(wait);
        reject(signal!.reason as Error);
      };
      waits.add(wait);
      signal?.addEventListener('abort', abort, { once: true });
      const ended = () => signal?.removeEventListener('abort', abort);
      return promise.finally(ended);
    },
    async advance(ms) {
      const end = now + ms;
      for (;;) {
        await settle();
        const wait = next(end);
        if (!wait) break;
        now = Math.max(now, wait.at);
        waits.delete(wait);
        wait.resolve();
      }
      now = end;
    },
    suspend(ms) {
      now += ms;
      for (const wait of waits) wait.at += ms;
    },
  };
}

/** Lets everything run that waits for nothing but promises. */
function settle(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}
