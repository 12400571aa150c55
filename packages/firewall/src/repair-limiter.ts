import { createContests } from '@flannel-ts/backoff';
import type { RulePlace, RuleProblem } from './events.ts';
import { ObstacleError } from './obstacles.ts';

/** As many repairs of one place in a row are no contest. */
const FREE_REPAIRS = 10;

/** Makes repairs rarer where another program keeps undoing them. */
export interface RepairLimiter {
  /** Whether rules there may be repaired now. */
  allows(place: RulePlace): boolean;
  /** Takes in what was repaired, and returns the problems of places that are not contested. */
  note(problems: readonly RuleProblem[]): readonly RuleProblem[];
  /** Returns what to report about contested places: the same errors as long as a contest lasts. */
  contests(): readonly ObstacleError[];
}

/** @param random - uniform in 0 to 1, for the pauses */
export function createRepairLimiter(random: () => number): RepairLimiter {
  const contests = createContests({ random, freeRepairs: FREE_REPAIRS });
  /** By place, with the first problem of each contest. */
  const errors = new Map<string, ObstacleError>();

  return {
    allows: (place) => performance.now() >= contests.dueAt(keyOf(place)),
    note(problems) {
      for (const [key, [first]] of Map.groupBy(problems, keyOf)) {
        contests.repaired(key);
        if (contests.isContested(key) && !errors.has(key)) errors.set(key, contested(first!));
      }
      return problems.filter((problem) => !contests.isContested(keyOf(problem)));
    },
    contests() {
      for (const key of errors.keys()) if (!contests.isContested(key)) errors.delete(key);
      return [...errors.values()];
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
