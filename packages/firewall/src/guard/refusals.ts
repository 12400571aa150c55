import type { Refusal } from '../events.ts';
import type { CountingSet, GuardListing } from './listing.ts';

/** Milliseconds between two reports of one source. */
const PAUSE_MS = 60_000;

/** What is known of one source. */
interface Account {
  /** What the kernel counted when it was last reported. */
  reported: number;
  reportedAt: number;
}

/** Finds out what is to be reported. It remembers the sources that the kernel counts, which are bounded, and no more. */
export interface RefusalLog {
  /** Takes in what the kernel counted, and returns what was dropped since the last report of each source. */
  note(counted: GuardListing['counted']): Refusal[];
}

/** @param now - milliseconds of a clock that does not go back */
export function createRefusalLog(now: () => number): RefusalLog {
  const accounts = new Map<string, Account>();

  function noteSource(reason: CountingSet, source: string, packets: number): Refusal[] {
    const key = `${reason} ${source}`;
    const account = accounts.get(key) ?? { reported: 0, reportedAt: -Infinity };
    accounts.set(key, account);
    // The kernel forgets a source that is quiet for long, and begins again with it.
    if (packets < account.reported) account.reported = 0;
    const fresh = packets - account.reported;
    if (fresh === 0 || now() - account.reportedAt < PAUSE_MS) return [];
    Object.assign(account, { reported: packets, reportedAt: now() });
    return [{ reason, source, packets: fresh }];
  }

  return {
    note(counted) {
      const reasons = ['no-lease', 'other-interface'] as const;
      for (const [key, { reportedAt }] of accounts) {
        const [reason, source] = key.split(' ') as [CountingSet, string];
        if (!counted[reason].has(source) && now() - reportedAt >= PAUSE_MS) accounts.delete(key);
      }
      return reasons
        .flatMap((reason) =>
          [...counted[reason]].flatMap(([source, packets]) => noteSource(reason, source, packets)),
        )
        .sort((one, other) => other.packets - one.packets);
    },
  };
}
