import type { DeviceEvent } from './events.ts';

/** Milliseconds from the first repair to the second; doubled with each further one, up to the longest. */
const FIRST_PAUSE_MS = 100;
const LONGEST_PAUSE_MS = 60_000;

/** Milliseconds after which an entry that drifts has done so by itself, not because it was repaired. */
const CALM_MS = 120_000;

/** So many repairs in a row are no accident. */
const CONTESTED_REPAIRS = 5;

/** Milliseconds between two reports of one contest. */
const REPORT_MS = 60 * 60_000;

/** Paces the repairs of entries and links that another process keeps changing. */
export interface Contention {
  /** Returns when what drifted may be repaired, in milliseconds of `performance.now()`; the past means now. */
  dueAt(subject: string): number;
  /** Notes that something that drifted is being repaired. */
  repaired(subject: string): void;
  /** Whether another process keeps changing it. */
  isContested(subject: string): boolean;
  /** Forgets what has been left alone for long enough; reports the end of the last contest. */
  forgetCalm(): void;
}

interface Contest {
  readonly repairs: number;
  readonly repairedAt: number;
  readonly reportedAt: number;
}

export function createContention({ onEvent }: { onEvent: (event: DeviceEvent) => void }): Contention {
  /** What was repaired lately. */
  const contests = new Map<string, Contest>();
  let isContesting = false;

  function recent(subject: string): Contest | undefined {
    const contest = contests.get(subject);
    return contest && performance.now() - contest.repairedAt < CALM_MS ? contest : undefined;
  }

  function forgetCalm(): void {
    for (const subject of contests.keys()) if (!recent(subject)) contests.delete(subject);
    if (!isContesting || [...contests.values()].some(({ repairs }) => repairs >= CONTESTED_REPAIRS)) return;
    isContesting = false;
    onEvent({ kind: 'uncontested' });
  }

  return {
    dueAt(subject) {
      const contest = recent(subject);
      if (!contest) return -Infinity;
      const pauseMs = FIRST_PAUSE_MS * 2 ** (contest.repairs - 1);
      return contest.repairedAt + Math.min(pauseMs, LONGEST_PAUSE_MS);
    },
    repaired(subject) {
      const now = performance.now();
      const { repairs, reportedAt } = recent(subject) ?? { repairs: 0, reportedAt: -Infinity };
      const isReported = repairs + 1 >= CONTESTED_REPAIRS && now - reportedAt >= REPORT_MS;
      contests.delete(subject);
      contests.set(subject, {
        repairs: repairs + 1,
        repairedAt: now,
        reportedAt: isReported ? now : reportedAt,
      });
      if (!isReported) return;
      isContesting = true;
      onEvent({ kind: 'contested', what: subject });
    },
    isContested: (subject) => (recent(subject)?.repairs ?? 0) >= CONTESTED_REPAIRS,
    forgetCalm,
  };
}
