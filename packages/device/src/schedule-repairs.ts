import type { Contests } from '@flannel-ts/backoff';

/** Milliseconds at least between two repairs, so that a burst of reports is one repair. */
const PAUSE_MS = 100;

/** Says when what drifted is repaired: at once, or later what another process keeps changing. */
export interface RepairSchedule extends Disposable {
  /** Has an entry repaired that drifted. */
  entry(key: string): void;
  /** Leaves out an entry or a link that is as desired again. */
  settled(subject: string): void;
  /**
   * Has everything compared: at once, or, when a repaired `subject` is the only cause, when it may be
   * repaired again.
   */
  everything(subject?: string): void;
}

export interface RepairComponents {
  readonly contests: Contests;
  /** Repairs the entries of these keys. */
  readonly repair: (keys: ReadonlySet<string>) => void;
  /** Compares everything with the kernel and repairs it. */
  readonly reconcile: () => void;
}

export function createRepairSchedule(components: RepairComponents): RepairSchedule {
  const { contests, repair, reconcile } = components;
  /** What drifted, and when each may be repaired, in milliseconds of `performance.now()`. */
  const entries = new Map<string, number>();
  const causes = new Map<string, number>();
  let compareNow = false;
  let repairedAt = -Infinity;
  let timer: NodeJS.Timeout | undefined;
  let timerAt = Infinity;

  function add(pending: Map<string, number>, subject: string): void {
    if (pending.has(subject)) return;
    const dueAt = contests.dueAt(subject);
    pending.set(subject, dueAt);
    wakeAt(dueAt);
  }

  function wakeAt(dueAt: number): void {
    const at = Math.max(dueAt, repairedAt + PAUSE_MS);
    if (at >= timerAt) return;
    clearTimeout(timer);
    timerAt = at;
    timer = setTimeout(flush, Math.max(0, Math.ceil(at - performance.now()))).unref();
  }

  function flush(): void {
    timerAt = Infinity;
    const due = takeDue(performance.now());
    for (const dueAt of [...entries.values(), ...causes.values()]) wakeAt(dueAt);
    if (due.everything) reconcile();
    else if (due.subjects.length > 0) repair(new Set(due.subjects));
    for (const subject of due.subjects) contests.repaired(subject);
  }

  /** Takes what may be repaired now; a full compare repairs all that is pending. */
  function takeDue(now: number): { readonly everything: boolean; readonly subjects: readonly string[] } {
    const isDue = (dueAt: number) => dueAt <= now;
    const everything = compareNow || [...causes.values()].some(isDue);
    const pending = everything ? [...causes, ...entries] : [...entries].filter(([, dueAt]) => isDue(dueAt));
    const subjects = pending.map(([subject]) => subject);
    for (const subject of subjects) {
      entries.delete(subject);
      causes.delete(subject);
    }
    compareNow = false;
    if (everything || subjects.length > 0) repairedAt = now;
    return { everything, subjects };
  }

  return {
    entry: (key) => add(entries, key),
    settled(subject) {
      entries.delete(subject);
      causes.delete(subject);
    },
    everything(subject) {
      if (subject !== undefined) {
        add(causes, subject);
      } else {
        compareNow = true;
        wakeAt(-Infinity);
      }
    },
    [Symbol.dispose]: () => clearTimeout(timer),
  };
}
