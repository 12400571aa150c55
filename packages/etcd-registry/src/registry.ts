import type { Clock, Logger, Registry } from '@flannel-ts/subnet';
import type { Keys } from './keys.ts';
import type { Access, Liveness } from './options.ts';
import type { Outages } from './outages.ts';
import type { Reconnects } from './reconnects.ts';

/** Milliseconds that the first delay after a failure lasts at most. */
export const FIRST_DELAY_MS = 100;

/** A {@link Registry} in etcd. */
export interface EtcdRegistry extends Registry {
  /**
   * Makes the next call and the watches use a new connection, for which the files of TLS and password are
   * read again. No change is lost: the watches list again.
   */
  reconnect(): void;
}

/** What the registries of both APIs are made of. */
export interface RegistryComponents {
  readonly log: Logger;
  readonly clock: Clock;
  readonly random: () => number;
  readonly outages: Outages;
  readonly reconnects: Reconnects;
}

/** The settings of the registries of both APIs, checked. */
export interface RegistrySettings {
  readonly access: Access;
  readonly keys: Keys;
  readonly relistMs: number;
  readonly liveness: Liveness;
}
