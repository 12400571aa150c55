import type { DeviceEvent } from './events.ts';

/** Milliseconds until what failed is tried again; doubled up to the longest. */
const FIRST_RETRY_MS = 1_000;
const LONGEST_RETRY_MS = 30_000;

/** What failed, in words, and why. */
export type Failed = ReadonlyMap<string, Error>;

/** Remembers what failed, tells it once, and sees to it that it is tried again until nothing fails. */
export interface Failures extends Disposable {
  /** What a full compare failed at; whatever else failed before works now. */
  replace(failed: Failed): void;
  /** What a change failed at, beside what failed before. */
  add(failed: Failed): void;
}

export function createFailures(components: {
  readonly onEvent: (event: DeviceEvent) => void;
  readonly tryAgain: () => void;
}): Failures {
  let known: ReadonlySet<string> = new Set();
  let retry: NodeJS.Timeout | undefined;
  let retryMs = FIRST_RETRY_MS;

  function tell(failed: Failed): void {
    for (const [what, error] of failed) {
      if (!known.has(what)) components.onEvent({ kind: 'failed', what, error });
    }
  }

  /** A retry that is due already stays due: changes that come all the time do not put it off. */
  function schedule(): void {
    if (known.size === 0) {
      clearTimeout(retry);
      retry = undefined;
      retryMs = FIRST_RETRY_MS;
    }
    if (known.size === 0 || retry) return;
    retry = setTimeout(() => {
      retry = undefined;
      retryMs = Math.min(2 * retryMs, LONGEST_RETRY_MS);
      components.tryAgain();
    }, retryMs).unref();
  }

  return {
    replace(failed) {
      tell(failed);
      known = new Set(failed.keys());
      schedule();
    },
    add(failed) {
      tell(failed);
      known = new Set([...known, ...failed.keys()]);
      schedule();
    },
    [Symbol.dispose]: () => clearTimeout(retry),
  };
}
