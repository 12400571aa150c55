import type { SubnetPair } from '@flannel-ts/ip';
import type { Lease, LeaseAttributes } from './lease.ts';

/** The cluster's shared store of network config and leases; etcd in production. */
export interface Registry extends AsyncDisposable {
  /** The network config's JSON text, or `undefined` while nobody has written it. */
  readConfig(options?: CallOptions): Promise<string | undefined>;

  /** All leases at one revision, in a bounded number of requests. Unreadable entries are left out with a warning. */
  readLeases(options?: CallOptions): Promise<readonly Lease[]>;

  /**
   * Creates a lease if its subnet is free, atomically.
   * @throws {LeaseExistsError} when the subnet is taken.
   */
  createLease(request: LeaseRequest, options?: CallOptions): Promise<Lease>;

  /**
   * Writes attributes and a fresh time to live over `lease`, only while the registry still holds exactly
   * `lease.revision`. A reservation (`ttlMs: undefined`) stays without time to live.
   * @throws {LeaseLostError} when it was deleted, expired or changed by somebody else.
   */
  updateLease(lease: Lease, request: LeaseUpdate, options?: CallOptions): Promise<Lease>;

  /**
   * Deletes the lease, only while the registry still holds exactly `lease.revision`.
   * @throws {LeaseLostError} when it was deleted, expired or changed by somebody else.
   */
  deleteLease(lease: Lease, options?: CallOptions): Promise<void>;

  /**
   * Follows all leases: one snapshot first, then every change once and in order. When the store has
   * forgotten the changes in between (compaction, long outage), another snapshot follows. Outages are
   * retried inside with a warning per outage; the iteration ends only with `signal` (without an error),
   * with `break`, or by throwing an error that no retry can mend.
   */
  watchLeases(options?: CallOptions): AsyncIterable<LeaseEvent>;

  /**
   * Follows the network config: yields its JSON text at once, `undefined` while there is none, and again
   * after every change. Changes in quick succession may be yielded as one. Survives outages as
   * {@link Registry.watchLeases} does, and ends the same ways.
   */
  watchConfig(options?: CallOptions): AsyncIterable<string | undefined>;
}

export interface CallOptions {
  readonly signal?: AbortSignal | undefined;
}

export interface LeaseRequest {
  readonly subnets: SubnetPair;
  readonly attributes: LeaseAttributes;
  /** Time to live in milliseconds; `undefined` makes a reservation. */
  readonly ttlMs: number | undefined;
}

export type LeaseUpdate = Omit<LeaseRequest, 'subnets'>;

/** What a watch yields: the whole truth, or what changed since. */
export type LeaseEvent =
  | { readonly kind: 'snapshot'; readonly leases: readonly Lease[] }
  | { readonly kind: 'delta'; readonly changes: readonly LeaseChange[] };

/** One change of one lease. */
export type LeaseChange =
  | { readonly kind: 'put'; readonly lease: Lease }
  | { readonly kind: 'removed'; readonly subnets: SubnetPair };
