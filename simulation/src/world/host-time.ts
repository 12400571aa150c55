import type { Clock } from '@flannel-ts/subnet';
import type { Scheduler, Timer } from './scheduler.ts';

/** `stopped`: the processes do not run, the clocks do. `suspended`: the machine sleeps, its timers too. */
export type Pause = 'stopped' | 'suspended';

/** Time as one host has it: its clocks drift and are stepped, and it may be paused. */
export interface HostTime {
  /** Milliseconds since boot, suspended time included. */
  readonly boot: Clock;
  /** Milliseconds since the epoch, as the host believes; {@link step} changes it. */
  readonly wall: Clock;
  readonly paused: boolean;
  /** Runs `action` after `ms` by the host's own timers, and not before the host runs again. */
  after(ms: number, action: () => void): Timer;
  /** Runs `action` now, or when the host runs again. */
  deliver(action: () => void): void;
  /** Calls `listener` whenever the host runs again; returns how to stop that. */
  onResume(listener: () => void): () => void;
  step(ms: number): void;
  pause(kind: Pause): void;
  resume(): void;
}

/** The time of the epoch at which every run begins. */
const START = Date.UTC(2030, 0, 1);

/** @param driftPpm - how much faster this host's clocks run than the registry's, in parts per million */
export function createHostTime(scheduler: Scheduler, { driftPpm }: { readonly driftPpm: number }): HostTime {
  const rate = 1 + driftPpm / 1e6;
  const backlog: (() => void)[] = [];
  const listeners = new Set<() => void>();
  let wallOffset = START;
  let pausedAt: number | undefined;
  let pause: Pause = 'stopped';
  /** Milliseconds for which timers stood still. */
  let asleep = 0;

  const boot = () => scheduler.now * rate;
  const monotonic = () => (pausedAt !== undefined && pause === 'suspended' ? pausedAt : boot()) - asleep;

  function deliver(action: () => void): void {
    if (pausedAt === undefined) action();
    else backlog.push(action);
  }

  function after(ms: number, action: () => void): Timer {
    const due = monotonic() + ms;
    const schedule = () => scheduler.at(scheduler.now + Math.max(0, due - monotonic()) / rate, expire);
    const expire = () => {
      if (pausedAt === undefined) fire();
      else backlog.push(fire);
    };
    const fire = () => {
      if (done) return;
      // Less than a microsecond is the rounding of a drifting clock.
      if (due - monotonic() > 1e-3) timer = schedule();
      else action();
    };
    let done = false;
    let timer = schedule();
    return {
      cancel() {
        done = true;
        timer.cancel();
      },
    };
  }

  const delay: Clock['delay'] = (ms, { signal } = {}) => {
    if (signal?.aborted) return Promise.reject(signal.reason as Error);
    return new Promise((resolve, reject) => {
      const onAbort = () => {
        timer.cancel();
        reject(signal!.reason as Error);
      };
      const timer = after(ms, () => {
        signal?.removeEventListener('abort', onAbort);
        resolve();
      });
      signal?.addEventListener('abort', onAbort, { once: true });
    });
  };

  return {
    boot: { now: boot, delay },
    wall: { now: () => wallOffset + boot(), delay },
    get paused() {
      return pausedAt !== undefined;
    },
    after,
    deliver,
    onResume(listener) {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
    step: (ms) => (wallOffset += ms),
    pause(kind) {
      if (pausedAt !== undefined) return;
      pausedAt = boot();
      pause = kind;
    },
    resume() {
      if (pausedAt === undefined) return;
      if (pause === 'suspended') asleep += boot() - pausedAt;
      pausedAt = undefined;
      for (const listener of listeners) listener();
      for (const action of backlog.splice(0)) scheduler.at(scheduler.now, () => deliver(action));
    },
  };
}
