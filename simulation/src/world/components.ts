import { createPeerFollower } from '@flannel-ts/backend';
import type { Device } from '@flannel-ts/device';
import { acquireLease, keepLease, type Clock, type Registry } from '@flannel-ts/subnet';
import type { WatchRules } from '../registry/watch.ts';
import type { Host } from './host.ts';

/** What a simulated daemon is made of: the real code, or variants that are broken on purpose. */
export interface Components {
  readonly acquireLease: typeof acquireLease;
  readonly keepLease: typeof keepLease;
  readonly createPeerFollower: typeof createPeerFollower;
  readonly watchRules: WatchRules;
  readonly clock: (host: Host) => Clock;
  readonly device: (device: Device) => Device;
  readonly acquirerRegistry: (registry: Registry) => Registry;
  readonly keeperRegistry: (registry: Registry) => Registry;
  readonly previous: (host: Host) => Host['previous'];
}

export const realComponents: Components = {
  acquireLease,
  keepLease,
  createPeerFollower,
  watchRules: { listAfterInterruption: true, listPeriodically: true },
  clock: ({ time }) => time.boot,
  device: (device) => device,
  acquirerRegistry: (registry) => registry,
  keeperRegistry: (registry) => registry,
  previous: ({ previous }) => previous,
};
