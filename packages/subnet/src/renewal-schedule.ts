import type { Random } from './allocate.ts';
import type { Clock } from './clock.ts';
import type { Lease } from './lease.ts';

/** The part of the time between two renewals that they are spread over. */
const SPREAD = 0.1;
/** Bounds of the time between two attempts, in milliseconds. */
const SHORTEST_RETRY_MS = 100;
const FIRST_RETRY_MS = 1_000;
const LONGEST_RETRY_MS = 60_000;

/** When a lease is renewed, and when a renewal that failed is tried again. */
export interface RenewalSchedule {
  /** Returns when to renew, by the clock; hosts that started together spread out, to earlier times alone. */
  renewalTime(lease: Lease): number;
  /** Returns the milliseconds that are left of a lease: 0 when it has or may have expired. */
  remaining(lease: Lease): number;
  /**
   * Returns the milliseconds to wait after that many failures in a row: exponential backoff with full
   * jitter, up to half of what is left of the lease, so that several attempts fit in any margin.
   */
  retryDelay(lease: Lease, failures: number): number;
}

/** @throws {RangeError} when `renewMarginMs` is not less than `ttlMs`. */
export function createRenewalSchedule(
  { clock, random }: { readonly clock: Clock; readonly random: Random },
  { ttlMs, renewMarginMs }: { readonly ttlMs: number; readonly renewMarginMs: number },
): RenewalSchedule {
  if (!(renewMarginMs < ttlMs)) {
    throw new RangeError(
      `renewMarginMs must be less than the time to live of ${ttlMs} ms, not ${renewMarginMs}; choose a smaller margin`,
    );
  }

  function remaining({ expiresAt }: Lease): number {
    if (expiresAt === undefined) return Infinity;
    return expiresAt === 'unknown' ? 0 : Math.max(0, expiresAt - clock.now());
  }

  return {
    remaining,
    renewalTime({ expiresAt }) {
      if (expiresAt === undefined) return Infinity;
      if (expiresAt === 'unknown') return clock.now();
      return expiresAt - renewMarginMs - random() * SPREAD * (ttlMs - renewMarginMs);
    },
    retryDelay(lease, failures) {
      const left = remaining(lease);
      // What has expired cannot be saved by haste, and a registry that comes back is met by all hosts.
      const deadline = left > 0 ? Math.max(FIRST_RETRY_MS, left / 2) : Infinity;
      const longest = Math.min(FIRST_RETRY_MS * 2 ** (failures - 1), LONGEST_RETRY_MS, deadline);
      return Math.max(SHORTEST_RETRY_MS, random() * longest);
    },
  };
}
