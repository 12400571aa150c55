import type { Family } from '@flannel-ts/ip';
import type { Random } from './allocate.ts';
import type { Clock } from './clock.ts';
import type { Lease, LeaseAttributes } from './lease.ts';
import type { Logger } from './logger.ts';
import type { LeaseEvent, Registry } from './registry.ts';

export interface KeepComponents {
  readonly registry: Registry;
  readonly clock: Clock;
  readonly log: Logger;
  /** Spreads the renewals and retries of many hosts. */
  readonly random: Random;
  readonly onEvent: (event: KeeperEvent) => void;
}

export interface KeepOptions {
  /** What {@link acquireLease} returned. */
  readonly lease: Lease;
  /** The families that the network config enables; see {@link isSameHost}. */
  readonly families: readonly Family[];
  /** Time to live of every renewal in milliseconds. */
  readonly ttlMs: number;
  /** How long before its expiry a lease is renewed at the latest, in milliseconds; less than `ttlMs`. */
  readonly renewMarginMs: number;
  readonly signal: AbortSignal;
}

/** What happens to a lease that is kept. */
export type KeeperEvent =
  /** The registry holds the lease: it was written or verified just now. */
  | { readonly kind: 'kept' }
  /** An attempt to write or verify the lease failed; the next one follows. */
  | {
      readonly kind: 'failing';
      readonly error: unknown;
      /** Milliseconds until the next attempt. */
      readonly retryInMs: number;
      /** Milliseconds until the lease expires: 0 when it has, `Infinity` for a reservation. */
      readonly remainingMs: number;
    }
  /** The registry held something else than our lease, which is written again. A `kept` follows. */
  | { readonly kind: 'repaired'; readonly reason: string };

/** Keeps one lease for as long as its host lives. */
export interface LeaseKeeper {
  /** As the registry holds it, by our last write. */
  readonly lease: Lease;
  /**
   * Resolves when `signal` aborts. Rejects with {@link LeaseLostError} when another host has the subnet
   * or addresses of it. Its rejection counts as handled; await it, or a lost lease goes unnoticed.
   */
  readonly done: Promise<void>;
  /**
   * Takes in what a watch yields: a lease of ours that vanished or was overwritten is repaired at once. Give it
   * every event as it is, and not the changes that a `LeaseTable` returns: a table compares with what the watch has
   * shown. When the watch has missed our own write, and the lease vanishes again, a table sees no change.
   */
  observe(event: LeaseEvent): void;
  /**
   * Publishes other attributes with the lease, such as a VTEP's new MAC address, and tries until it has
   * succeeded; the latest ones win. Does nothing when they are equal to those that are published.
   * @throws {LeaseValueError} when they cannot be written.
   */
  publish(attributes: LeaseAttributes): void;
  /**
   * Resolves at once while the lease has not expired. After a pause that was longer than what was left of
   * it (the machine slept, the process was stopped), resolves when the registry has confirmed the lease or
   * given it back.
   * @throws {LeaseLostError} when another host has the subnet.
   * @throws the signal's reason when it aborts before.
   */
  verified(): Promise<void>;
}
