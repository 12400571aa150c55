import { LONGEST_WAIT_MS } from './clock.ts';
import { shownOf } from './entries.ts';
import { LeaseLostError } from './errors.ts';
import type { KeepComponents, KeepOptions, LeaseKeeper } from './lease-keeper.ts';
import { sameAttributes } from './lease-value.ts';
import { createLeaseWriter, type Written } from './lease-writer.ts';
import { isReadable, isSameHost, type LeaseAttributes, type RegistryEntry } from './lease.ts';
import type { LeaseChange } from './registry.ts';
import { createRenewalSchedule } from './renewal-schedule.ts';
import { isSameVersion } from './same-version.ts';

/** Ends a wait. Without a reason of its own, each abort makes an exception with its stack. */
const WOKEN = new Error('woken');
/** How long what another process writes over our lease stays, after we have written over it once, in milliseconds. */
const RIVAL_BACKOFF_MS = 60_000;

/**
 * Renews a lease before it expires, by compare-and-swap: it never overwrites another owner. A lease that was
 * deleted, damaged or expired meanwhile is taken again, the same subnet in place, unless another host's entry
 * overlaps it. A reservation is only watched.
 * @throws {RangeError} when `renewMarginMs` is not less than `ttlMs`.
 */
export function keepLease(components: KeepComponents, options: KeepOptions): LeaseKeeper {
  const { clock, onEvent } = components;
  const { families, signal } = options;
  const { subnets } = options.lease;
  const schedule = createRenewalSchedule(components, options);
  const writer = createLeaseWriter(components, options);
  let { lease } = options;
  let desired = lease.attributes;
  let renewAt = schedule.renewalTime(lease);
  /** What a watch saw last of our lease, until we have looked into it. */
  let seen: LeaseChange | undefined;
  /** What we have written since the last answer, if anything. */
  let tried: LeaseAttributes | undefined;
  let failures = 0;
  let retryAt = -Infinity;
  /** Two daemons with one public IP would write over each other without end; each waits till then. */
  let backoffUntil = -Infinity;
  let wakeUp = new AbortController();
  let written = Promise.withResolvers<void>();
  let isLost = false;

  async function run(): Promise<void> {
    while (!signal.aborted) {
      const time = Math.max(dueAt(), retryAt);
      if (clock.now() >= time) await attempt();
      else await sleep(time - clock.now());
    }
  }

  function dueAt(): number {
    return sameAttributes(desired, lease.attributes) ? Math.min(renewAt, repairAt()) : -Infinity;
  }

  /** When to look into what the watch saw: at once, but for our own writes and those of a rival. */
  function repairAt(): number {
    if (!seen) return Infinity;
    if (seen.kind === 'removed') return -Infinity;
    if (isSameVersion(lease, seen.lease)) return Infinity;
    const isForeign =
      isReadable(seen.lease) && !isSameHost(seen.lease.attributes, lease.attributes, families);
    return isForeign ? -Infinity : backoffUntil;
  }

  async function sleep(ms: number): Promise<void> {
    wakeUp = new AbortController();
    const woken = wakeUp.signal;
    await clock.delay(Math.min(ms, LONGEST_WAIT_MS), { signal: woken }).catch((error: unknown) => {
      if (!woken.aborted) throw error;
    });
  }

  async function attempt(): Promise<void> {
    const looked = repairAt() < Infinity ? seen : undefined;
    seen = undefined;
    try {
      hold(await (looked ? repair() : renew(lease)));
    } catch (error) {
      if (error instanceof LeaseLostError || signal.aborted) throw error;
      seen ??= looked;
      failures++;
      const retryInMs = schedule.retryDelay(lease, failures);
      retryAt = clock.now() + retryInMs;
      onEvent({ kind: 'failing', error, retryInMs, remainingMs: schedule.remaining(lease) });
    }
  }

  /** What a watch saw may be older than our last write, so the registry is asked before anything is written. */
  async function repair(): Promise<Written> {
    const current = await writer.read();
    return current && isSameVersion(lease, current) ? { lease } : renew(current);
  }

  function renew(current: RegistryEntry | undefined): Promise<Written> {
    const request = { attributes: desired, held: lease, current, tried };
    tried = desired;
    return writer.write(request);
  }

  function hold({ lease: current, repaired }: Written): void {
    lease = current;
    renewAt = schedule.renewalTime(lease);
    tried = undefined;
    failures = 0;
    retryAt = -Infinity;
    if (repaired) onEvent({ kind: 'repaired', reason: repaired.reason });
    if (repaired && repaired.found !== 'nothing') backoffUntil = clock.now() + RIVAL_BACKOFF_MS;
    onEvent({ kind: 'kept' });
    written.resolve();
    written = Promise.withResolvers();
  }

  signal.addEventListener('abort', () => wakeUp.abort(WOKEN), { once: true });
  const done = run().catch((error: unknown) => {
    if (signal.aborted) return;
    isLost = true;
    throw error;
  });
  // Whatever the caller awaits first, a lease that is lost meanwhile is no unhandled rejection.
  done.catch(() => undefined);

  return {
    get lease() {
      return lease;
    },
    done,
    observe(event) {
      const own = shownOf(subnets, event);
      if (!own) return;
      seen = own;
      wakeUp.abort(WOKEN);
    },
    publish(attributes) {
      if (sameAttributes(attributes, desired)) return;
      desired = attributes;
      wakeUp.abort(WOKEN);
    },
    async verified() {
      for (;;) {
        if (isLost) return done;
        signal.throwIfAborted();
        if (schedule.remaining(lease) > 0) return;
        wakeUp.abort(WOKEN);
        await Promise.race([written.promise, done]);
      }
    },
  };
}
