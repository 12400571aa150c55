/** Milliseconds for which changes are collected: a program seldom makes one alone. */
const COLLECT_MS = 100;
/** Milliseconds between compares that changes cause, however many there are: each costs processes. */
const PAUSE_MS = 500;

/** When to compare with the kernel next. */
export interface CompareTimer extends Disposable {
  /** A compare ended: the next is due after the resync period. */
  restart(): void;
  /** Something changed in the kernel: the next is due soon. */
  hurry(): void;
  /** None is due. */
  stop(): void;
}

/** @param resyncMs - the longest time between two compares */
export function createCompareTimer(resyncMs: number, onDue: () => void): CompareTimer {
  let timer: NodeJS.Timeout | undefined;
  let hurried = false;
  let earliest = 0;

  function wait(ms: number): void {
    clearTimeout(timer);
    timer = setTimeout(() => {
      hurried = false;
      onDue();
    }, ms);
  }

  return {
    restart() {
      earliest = performance.now() + PAUSE_MS;
      if (!hurried) wait(resyncMs);
    },
    hurry() {
      if (hurried) return;
      hurried = true;
      wait(Math.min(resyncMs, Math.max(COLLECT_MS, earliest - performance.now())));
    },
    stop() {
      hurried = false;
      clearTimeout(timer);
    },
    [Symbol.dispose]: () => clearTimeout(timer),
  };
}
