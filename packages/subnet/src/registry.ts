import type { SubnetPair } from '@flannel-ts/ip';
import {
  leaseKey,
  type Lease,
  type LeaseAttributes,
  type LeaseVersion,
  type RegistryEntry,
  type UnreadableLease,
} from './lease.ts';

/** The cluster's shared store of network config and leases; etcd in production. */
export interface Registry extends AsyncDisposable {
  /** The network config's JSON text, or `undefined` while no one has written it. */
  readConfig(options?: CallOptions): Promise<string | undefined>;

  /** Reads all entries at one revision, in a bounded number of requests; logs a warning for each unreadable value. */
  readSnapshot(options?: CallOptions): Promise<LeaseSnapshot>;

  /** Reads the leases of {@link Registry.readSnapshot} alone. */
  readLeases(options?: CallOptions): Promise<readonly Lease[]>;

  /** Reads one entry in one request; `undefined` when there is none. */
  readLease(subnets: SubnetPair, options?: CallOptions): Promise<RegistryEntry | undefined>;

  /**
   * Creates a lease if its subnet is free, atomically.
   * @throws {LeaseExistsError} when the subnet is taken.
   */
  createLease(request: LeaseRequest, options?: CallOptions): Promise<Lease>;

  /**
   * Writes attributes and a fresh time to live over `lease`, only while the registry still holds exactly
   * `lease.revision`. A reservation (`ttlMs: undefined`) stays without time to live.
   * @throws {LeaseLostError} when it was deleted, expired or changed by another process.
   */
  updateLease(lease: LeaseVersion, request: LeaseUpdate, options?: CallOptions): Promise<Lease>;

  /**
   * Deletes the lease, only while the registry still holds exactly `lease.revision`.
   * @throws {LeaseLostError} when it was deleted, expired or changed by another process.
   */
  deleteLease(lease: LeaseVersion, options?: CallOptions): Promise<void>;

  /**
   * Follows all leases: one snapshot first, then every change once and in order. Another snapshot follows
   * whenever the store's watch was interrupted, and now and then beside it, as a watch alone may miss changes;
   * it is never older than the changes before it. Outages are retried inside; the iteration ends only with
   * `signal` (without an error), with `break`, or by throwing an error that no retry can repair.
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

/** All entries at one revision. */
export interface LeaseSnapshot {
  readonly leases: readonly Lease[];
  readonly unreadable: readonly UnreadableLease[];
}

/** What a watch yields: all entries, or what changed since. */
export type LeaseEvent =
  | ({ readonly kind: 'snapshot' } & LeaseSnapshot)
  | { readonly kind: 'delta'; readonly changes: readonly LeaseChange[] };

/** One change of one entry. */
export type LeaseChange =
  | { readonly kind: 'put'; readonly lease: Lease }
  /** The value of the entry became one that no one can read. */
  | { readonly kind: 'unreadable'; readonly lease: UnreadableLease }
  | { readonly kind: 'removed'; readonly subnets: SubnetPair };

/** Returns the key of the lease that changed. */
export function changedKey(change: LeaseChange): string {
  return leaseKey(change.kind === 'removed' ? change : change.lease);
}
