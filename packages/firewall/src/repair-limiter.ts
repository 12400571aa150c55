import { fullJitterMs } from '@flannel-ts/backoff';
import type { RulePlace, RuleProblem } from './events.ts';
import { ObstacleError } from './obstacles.ts';

/** As many repairs of one place in a row are made at once: a program that starts or reloads makes several changes. */
const FREE_REPAIRS = 10;
/** Milliseconds without a repair after which a place is no longer contested, and repaired at once again. */
const QUIET_MS = 60_000;

/** Makes repairs rarer where another program keeps undoing them, so that the two do not use up the host. */
export interface RepairLimiter {
  /** Whether rules there may be repaired now. */
  allows(place: RulePlace): boolean;
  /** Takes in what was repaired, and returns the problems of places that are not contested. */
  note(problems: readonly RuleProblem[]): readonly RuleProblem[];
  /** Returns what to report about contested places: the same errors as long as a contest lasts. */
  contests(): readonly ObstacleError[];
}

/** Repairs of one place in a row. */
interface Streak {
  readonly repairs: number;
  /** Times of `performance.now`. */
  readonly pausedUntil: number;
  readonly error?: ObstacleError;
}

/** @param random - uniform in 0 to 1, for the pauses */
export function createRepairLimiter(random: () => number): RepairLimiter {
  const streaks = new Map<string, Streak>();

  function streakOf(place: RulePlace): Streak | undefined {
    const streak = streaks.get(keyOf(place));
    return streak && performance.now() - streak.pausedUntil < QUIET_MS ? streak : undefined;
  }

  /** Exponential with full jitter, from the first repair that is not free. */
  function pauseMs(repairs: number): number {
    if (repairs <= FREE_REPAIRS) return 0;
    return fullJitterMs(repairs - FREE_REPAIRS, { random });
  }

  return {
    allows: (place) => performance.now() >= (streakOf(place)?.pausedUntil ?? 0),
    note(problems) {
      const places = Map.groupBy(problems, keyOf);
      for (const [key, [first]] of places) {
        const before = streakOf(first!);
        const repairs = (before?.repairs ?? 0) + 1;
        const error = repairs > FREE_REPAIRS ? (before?.error ?? contested(first!)) : undefined;
        streaks.set(key, {
          repairs,
          pausedUntil: performance.now() + pauseMs(repairs),
          ...(error && { error }),
        });
      }
      return problems.filter((problem) => !streakOf(problem)?.error);
    },
    contests() {
      for (const [key, { pausedUntil }] of streaks)
        if (performance.now() - pausedUntil >= QUIET_MS) streaks.delete(key);
      return [...streaks.values()].flatMap(({ error }) => error ?? []);
    },
  };
}

function keyOf({ family, table, chain = '' }: RulePlace): string {
  return [family, table, chain].join(' ');
}

function contested({ family, table, what }: RuleProblem): ObstacleError {
  return new ObstacleError(
    `another program keeps changing the rules (${table} of IPv${family}: ${what}), which are therefore repaired ` +
      `more and more rarely, up to once a minute: find it, as with nft monitor, and stop what it does`,
  );
}
