import { createPeerFollower } from '@flannel-ts/backend';
import { acquireLease, keepLease, type Clock } from '@flannel-ts/subnet';
import type { WatchRules } from '../registry/watch.ts';
import type { Host } from './host.ts';

/** What a simulated daemon is made of: the real code, or variants that are broken on purpose. */
export interface Components {
  readonly acquireLease: typeof acquireLease;
  readonly keepLease: typeof keepLease;
  readonly createPeerFollower: typeof createPeerFollower;
  readonly watchRules: WatchRules;
  /** The clock that leases are kept by. */
  readonly clock: (host: Host) => Clock;
}

export const realComponents: Components = {
  acquireLease,
  keepLease,
  createPeerFollower,
  watchRules: { listAfterInterruption: true, listPeriodically: true },
  clock: ({ time }) => time.boot,
};
