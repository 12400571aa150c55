import type { SubnetPair } from '@flannel-ts/ip';
import type { Random } from './allocate.ts';
import type { NetworkConfig } from './config.ts';
import type { Lease, LeaseAttributes } from './lease.ts';
import type { Logger } from './logger.ts';
import type { LeaseSnapshot, Registry } from './registry.ts';

export interface AcquireOptions {
  readonly config: NetworkConfig;
  /** What this host publishes. Its public addresses of the enabled families also show which leases are its own. */
  readonly attributes: LeaseAttributes;
  /** The subnet that this host had before it was restarted, from subnet.env. */
  readonly previous?: SubnetPair | undefined;
  /**
   * The lease that this host has kept until now. It stays this host's while the registry holds that version, also
   * when the host's address has changed.
   */
  readonly held?: Lease | undefined;
  /** Time to live in milliseconds. */
  readonly ttlMs: number;
  /** All entries, when the caller has just read them, as from a watch; saves a request. @default they are read */
  readonly snapshot?: LeaseSnapshot | undefined;
  readonly signal?: AbortSignal | undefined;
}

/** What acquiring a lease works with. */
export interface AcquireComponents {
  readonly registry: Registry;
  readonly log: Logger;
  readonly random: Random;
}
