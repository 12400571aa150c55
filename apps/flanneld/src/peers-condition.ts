import { changedKey, type LeaseChange } from '@flannel-ts/subnet';
import type { Conditions } from './conditions.ts';

/** As many leases are named in one condition. */
const NAMED = 3;

/** The condition `peers`: which leases are not followed, and why. */
export interface PeersCondition {
  /**
   * Reports after each change of the leases.
   * @param skipped - why leases are not followed, by lease key
   */
  update(changes: readonly LeaseChange[], skipped: ReadonlyMap<string, string>): void;
}

export function createPeersCondition(conditions: Conditions): PeersCondition {
  /** Values that no one can read; what a peer published before stays in use. */
  const unreadable = new Map<string, string>();
  return {
    update(changes, skipped) {
      for (const change of changes) {
        if (change.kind === 'unreadable') unreadable.set(changedKey(change), change.lease.reason);
        else unreadable.delete(changedKey(change));
      }
      const problems = new Map([...unreadable, ...skipped]);
      conditions.report('peers', problems.size > 0 ? 'degraded' : 'ok', describe(problems));
    },
  };
}

function describe(problems: ReadonlyMap<string, string>): string {
  if (problems.size === 0) return '';
  const named = [...problems].slice(0, NAMED).map(([lease, reason]) => `${lease}: ${reason}`);
  const more = problems.size > NAMED ? `; and ${problems.size - NAMED} more` : '';
  const subject = problems.size === 1 ? '1 lease is' : `${problems.size} leases are`;
  return `${subject} not followed: ${named.join('; ')}${more}`;
}
