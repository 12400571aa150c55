import type { SubnetPair } from '@flannel-ts/ip';
import type { Random } from './allocate.ts';
import type { NetworkConfig } from './config.ts';
import type { Lease, LeaseAttributes } from './lease.ts';
import type { Logger } from './logger.ts';
import type { Registry } from './registry.ts';

export interface AcquireOptions {
  readonly config: NetworkConfig;
  /** What this host publishes. Its public addresses also tell which lease was this host's before. */
  readonly attributes: LeaseAttributes;
  /** The subnet that this host had before it was restarted, from subnet.env. */
  readonly previous?: SubnetPair | undefined;
  /** Time to live in milliseconds. */
  readonly ttlMs: number;
  /** All leases, when the caller has just read them, as from a watch; saves a request. @default they are read */
  readonly leases?: readonly Lease[] | undefined;
  readonly signal?: AbortSignal | undefined;
}

/** What acquiring a lease works with. */
export interface AcquireComponents {
  readonly registry: Registry;
  readonly log: Logger;
  readonly random: Random;
}
