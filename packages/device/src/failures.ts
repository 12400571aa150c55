import { fullJitterMs } from '@flannel-ts/backoff';
import type { DeviceEvent } from './events.ts';

/** What failed, in words, and why. */
export type Failed = ReadonlyMap<string, Error>;

/** What can fail on its own: keeping the kernel's state, and hearing of its changes. */
export type Activity = 'keep' | 'watch';

/** Remembers what fails, reports its beginning and the end of all, and has the kernel's state tried again. */
export interface Failures extends Disposable {
  /** Replaces what an activity fails at: all else that it failed at before works now. */
  replace(activity: Activity, failed: Failed): void;
  /** Adds what a change of the kernel's state failed at to what failed before. */
  add(failed: Failed): void;
}

export function createFailures(components: {
  readonly onEvent: (event: DeviceEvent) => void;
  /** Compares everything with the kernel again. */
  readonly tryAgain: () => void;
  readonly random: () => number;
}): Failures {
  const { onEvent, tryAgain, random } = components;
  const failing: Record<Activity, Failed> = { keep: new Map(), watch: new Map() };
  let isFailing = false;
  let attempts = 0;
  let retry: NodeJS.Timeout | undefined;

  function set(activity: Activity, failed: Failed): void {
    const before = failing[activity];
    failing[activity] = failed;
    for (const [what, error] of failed) {
      if (before.get(what)?.message !== error.message) onEvent({ kind: 'failed', what, error });
    }
    const wasFailing = isFailing;
    isFailing = failing.keep.size + failing.watch.size > 0;
    if (wasFailing && !isFailing) onEvent({ kind: 'recovered' });
    schedule();
  }

  /** A retry that is due already stays due: changes that come all the time do not put it off. */
  function schedule(): void {
    if (failing.keep.size === 0) {
      clearTimeout(retry);
      retry = undefined;
      attempts = 0;
    } else if (!retry) {
      attempts++;
      retry = setTimeout(
        () => {
          retry = undefined;
          tryAgain();
        },
        fullJitterMs(attempts, { random }),
      ).unref();
    }
  }

  return {
    replace: set,
    add: (failed) => set('keep', new Map([...failing.keep, ...failed])),
    [Symbol.dispose]: () => clearTimeout(retry),
  };
}
