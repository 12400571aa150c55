import type { Clock } from './clock.ts';
import { LeaseLostError } from './errors.ts';
import { createLeaseWriter } from './lease-writer.ts';
import { isSameHost, leaseKey, type Lease } from './lease.ts';
import type { Logger } from './logger.ts';
import type { LeaseChange, Registry } from './registry.ts';

export interface KeepOptions {
  /** What {@link acquireLease} returned. */
  readonly lease: Lease;
  /** Time to live of every renewal in milliseconds. */
  readonly ttlMs: number;
  /** How long before its expiry a lease is renewed, in milliseconds; less than `ttlMs`. */
  readonly renewMarginMs: number;
  readonly signal: AbortSignal;
}

/** Keeps one lease for as long as its host lives. */
export interface LeaseKeeper {
  /** As the registry holds it now. */
  readonly lease: Lease;
  /** Resolves when `signal` aborts. Rejects with {@link LeaseLostError} when another host has the subnet. */
  readonly done: Promise<void>;
  /** Takes what a watch saw of our lease: a lease that vanished or was overwritten is put right at once. */
  observe(changes: readonly LeaseChange[]): void;
}

/** Milliseconds until a failed renewal is tried again; upstream's. */
const RETRY_MS = 60_000;
/** A longer wait than this is cut in pieces: timers hold at most 2^31 ms. */
const LONGEST_WAIT_MS = 24 * 60 * 60 * 1000;

/**
 * Renews a lease before it expires, by compare-and-swap: it never overwrites another owner. A lease that
 * was deleted or expired meanwhile is taken again, the same subnet in place. A reservation is only watched.
 * @throws {RangeError} when `renewMarginMs` is not less than `ttlMs`.
 */
export function keepLease(
  components: { readonly registry: Registry; readonly clock: Clock; readonly log: Logger },
  options: KeepOptions,
): LeaseKeeper {
  const { registry, clock, log } = components;
  const { ttlMs, renewMarginMs, signal } = options;
  if (renewMarginMs >= ttlMs)
    throw new RangeError(
      `the margin of ${renewMarginMs} ms is not less than the time to live of ${ttlMs} ms`,
    );
  const { attributes } = options.lease;
  const key = leaseKey(options.lease);
  const writer = createLeaseWriter({ registry, log }, options);
  let lease = options.lease;
  let renewAt = renewalTime(lease);
  /** What a watch saw last of our lease, until we looked into it. */
  let seen: LeaseChange | undefined;
  /** Two daemons with one public IP would write over each other without end; each waits till then. */
  let calmUntil = 0;
  let wakeUp = new AbortController();

  async function run(): Promise<void> {
    while (!signal.aborted) {
      if (clock.now() >= renewAt) await attempt(() => writer.write(lease));
      else if (clock.now() >= mendAt()) await attempt(mend);
      else await sleepUntil(Math.min(renewAt, mendAt()));
    }
  }

  function renewalTime({ expiresAt }: Lease): number {
    if (expiresAt === undefined) return Infinity;
    return expiresAt === 'unknown' ? 0 : expiresAt - renewMarginMs;
  }

  /** When to look into what the watch saw: at once, but for our own writes and those of another daemon with our IP. */
  function mendAt(): number {
    if (seen?.kind !== 'put') return seen ? 0 : Infinity;
    if (seen.lease.revision === lease.revision) return Infinity;
    return isSameHost(seen.lease.attributes, attributes) ? calmUntil : 0;
  }

  async function sleepUntil(time: number): Promise<void> {
    wakeUp = new AbortController();
    const woken = AbortSignal.any([signal, wakeUp.signal]);
    await clock
      .delay(Math.min(time - clock.now(), LONGEST_WAIT_MS), { signal: woken })
      .catch((error: unknown) => {
        if (!woken.aborted) throw error;
      });
  }

  async function attempt(action: () => Promise<Lease>): Promise<void> {
    seen = undefined;
    try {
      lease = await action();
      renewAt = renewalTime(lease);
    } catch (error) {
      if (error instanceof LeaseLostError || signal.aborted) throw error;
      renewAt = clock.now() + RETRY_MS;
      log.warn(
        { lease: key, error, retryInSeconds: RETRY_MS / 1000 },
        'cannot renew the lease; trying again',
      );
    }
  }

  /** What a watch saw may be older than our last write, so the registry is asked before anything is written. */
  async function mend(): Promise<Lease> {
    const current = await writer.read();
    if (current?.revision === lease.revision) return lease;
    if (current) {
      calmUntil = clock.now() + RETRY_MS;
      log.warn(
        { lease: key },
        'another daemon with our public IP, or an operator, wrote our lease; writing it again',
      );
    }
    return writer.write(current);
  }

  return {
    get lease() {
      return lease;
    },
    done: run().catch((error: unknown) => {
      if (!signal.aborted) throw error;
    }),
    observe(changes) {
      const own = changes.findLast(
        (change) => leaseKey(change.kind === 'put' ? change.lease : change) === key,
      );
      if (!own) return;
      seen = own;
      wakeUp.abort();
    },
  };
}
