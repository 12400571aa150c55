import { isSameHost } from './acquire-lease.ts';
import type { Clock } from './clock.ts';
import { LeaseExistsError, LeaseLostError } from './errors.ts';
import { leaseKey, type Lease } from './lease.ts';
import type { Logger } from './logger.ts';
import type { LeaseChange, Registry } from './registry.ts';

export interface KeepOptions {
  /** What {@link acquireLease} returned. */
  readonly lease: Lease;
  /** Time to live of every renewal in milliseconds. */
  readonly ttlMs: number;
  /** How long before its expiry a lease is renewed, in milliseconds. */
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
 */
export function keepLease(
  components: { readonly registry: Registry; readonly clock: Clock; readonly log: Logger },
  options: KeepOptions,
): LeaseKeeper {
  const { registry, clock, log } = components;
  const { ttlMs, renewMarginMs, signal } = options;
  const { attributes, subnets } = options.lease;
  const key = leaseKey(options.lease);
  let lease = options.lease;
  let wakeUp = new AbortController();
  let suspect = false;
  let retryAt: number | undefined;

  async function run(): Promise<void> {
    while (!signal.aborted) {
      if (suspect || clock.now() >= dueAt()) await renew();
      else await sleep();
    }
  }

  function dueAt(): number {
    if (retryAt !== undefined) return retryAt;
    return typeof lease.expiresAt === 'number' ? lease.expiresAt - renewMarginMs : Infinity;
  }

  async function sleep(): Promise<void> {
    const wait = Math.min(dueAt() - clock.now(), LONGEST_WAIT_MS);
    const woken = AbortSignal.any([signal, wakeUp.signal]);
    await clock.delay(wait, { signal: woken }).catch((error: unknown) => {
      if (!woken.aborted) throw error;
    });
  }

  async function renew(): Promise<void> {
    suspect = false;
    wakeUp = new AbortController();
    try {
      lease = await write();
      retryAt = undefined;
      log.debug({ lease: key, expiresAt: lease.expiresAt }, 'lease renewed');
    } catch (error) {
      if (error instanceof LeaseLostError || signal.aborted) throw error;
      retryAt = clock.now() + RETRY_MS;
      log.warn(
        { lease: key, error, retryInSeconds: RETRY_MS / 1000 },
        'cannot renew the lease; trying again',
      );
    }
  }

  /** Our lease in the registry again, whatever happened to it. @throws {LeaseLostError} when it is another's. */
  async function write(): Promise<Lease> {
    const update = { attributes, ttlMs: lease.expiresAt === undefined ? undefined : ttlMs };
    try {
      return await registry.updateLease(lease, update, { signal });
    } catch (error) {
      if (!(error instanceof LeaseLostError)) throw error;
      return error.current ? overwriteOwn(error.current) : recreate();
    }
  }

  /** The entry was written meanwhile: by this host's former daemon it is still ours, by another it is lost. */
  async function overwriteOwn(current: Lease): Promise<Lease> {
    if (!isSameHost(current.attributes, attributes)) throw new LeaseLostError(subnets, current);
    const update = { attributes, ttlMs: current.expiresAt === undefined ? undefined : ttlMs };
    return registry.updateLease(current, update, { signal });
  }

  async function recreate(): Promise<Lease> {
    log.warn({ lease: key }, 'the lease vanished from the registry; taking the same subnet again');
    try {
      return await registry.createLease({ subnets, attributes, ttlMs }, { signal });
    } catch (error) {
      if (!(error instanceof LeaseExistsError)) throw error;
      const leases = await registry.readLeases({ signal });
      const current = leases.find((candidate) => leaseKey(candidate) === key);
      if (!current) throw error;
      return overwriteOwn(current);
    }
  }

  return {
    get lease() {
      return lease;
    },
    done: run().catch((error: unknown) => {
      if (!signal.aborted) throw error;
    }),
    observe(changes) {
      const own = changes.filter((change) => leaseKey(change.kind === 'put' ? change.lease : change) === key);
      if (!own.some((change) => change.kind === 'removed' || change.lease.revision !== lease.revision))
        return;
      suspect = true;
      wakeUp.abort();
    },
  };
}
