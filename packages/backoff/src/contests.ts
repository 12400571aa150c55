import { fullJitterMs, type BackoffOptions } from './backoff.ts';

export interface ContestsOptions extends Pick<BackoffOptions, 'random'> {
  /**
   * As many repairs of one subject in a row are made at once: a program that starts or reloads makes several changes.
   * What needs more of them is contested.
   */
  readonly freeRepairs: number;
}

/**
 * The pace of repairs that another program keeps undoing, so that the two do not use up the host. After the free repairs,
 * each one waits: exponentially with full jitter, up to a minute. A minute in which nothing was to be repaired ends it.
 */
export interface Contests {
  /** Returns when a subject may be repaired, on the clock of `performance.now`; the past means at once. */
  dueAt(subject: string): number;
  /** Takes in a repair. */
  repaired(subject: string): void;
  /** Whether another program keeps changing a subject. */
  isContested(subject: string): boolean;
  /** Returns all subjects that are contested. */
  contested(): readonly string[];
}

/** Milliseconds, from when the next repair was due, after which a subject is no longer contested. */
const QUIET_MS = 60_000;

/** Repairs of one subject in a row. */
interface Streak {
  readonly repairs: number;
  readonly dueAt: number;
}

export function createContests({ random, freeRepairs }: ContestsOptions): Contests {
  /** By subject, the one that was repaired last at the end. */
  const streaks = new Map<string, Streak>();

  const isQuiet = ({ dueAt }: Streak) => performance.now() - dueAt >= QUIET_MS;

  function streakOf(subject: string): Streak | undefined {
    const streak = streaks.get(subject);
    return streak && !isQuiet(streak) ? streak : undefined;
  }

  function pauseMs(repairs: number): number {
    return repairs > freeRepairs ? fullJitterMs(repairs - freeRepairs, { random }) : 0;
  }

  function forgetQuiet(): void {
    for (const [subject, streak] of streaks) {
      if (!isQuiet(streak)) return;
      streaks.delete(subject);
    }
  }

  const isContested = (subject: string) => (streakOf(subject)?.repairs ?? 0) > freeRepairs;
  return {
    dueAt: (subject) => streakOf(subject)?.dueAt ?? -Infinity,
    repaired(subject) {
      const repairs = (streakOf(subject)?.repairs ?? 0) + 1;
      streaks.delete(subject);
      streaks.set(subject, { repairs, dueAt: performance.now() + pauseMs(repairs) });
      forgetQuiet();
    },
    isContested,
    contested: () => [...streaks.keys()].filter(isContested),
  };
}
