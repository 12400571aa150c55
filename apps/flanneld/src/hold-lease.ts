import {
  enabledFamilies,
  keepLease,
  leaseKey,
  systemClock,
  type AcquireOptions,
  type Lease,
  type LeaseKeeper,
  type Registry,
} from '@flannel-ts/subnet';
import { acquireOwnLease } from './acquire-own-lease.ts';
import { reportKeeperEvent, type Reporting } from './report-events.ts';
import type { Settings } from './request.ts';

const MINUTE_MS = 60_000;
/** How long the registry may take to delete a lease when the daemon ends. */
const RELEASE_MS = 2_000;

/**
 * Takes a lease and keeps it until the signal aborts. Disposing it when the daemon ends releases the lease where
 * `--release-lease-on-exit` asks for that.
 * @param options.stopped - aborts when the daemon ends
 */
export async function holdLease(
  components: Reporting & { readonly registry: Registry },
  settings: Pick<Settings, 'subnet-lease-ttl' | 'subnet-lease-renew-margin' | 'release-lease-on-exit'>,
  options: Omit<AcquireOptions, 'ttlMs'> & { readonly signal: AbortSignal; readonly stopped: AbortSignal },
): Promise<{ readonly keeper: LeaseKeeper } & AsyncDisposable> {
  const { log, registry } = components;
  const { signal, stopped, config } = options;
  const ttlMs = settings['subnet-lease-ttl'];
  const renewMarginMs = Math.min(settings['subnet-lease-renew-margin'] * MINUTE_MS, ttlMs / 2);
  const lease = await acquireOwnLease(components, { ...options, ttlMs });
  const keeper = keepLease(
    {
      registry,
      log,
      clock: systemClock,
      random: Math.random,
      onEvent: (event) => reportKeeperEvent(components, lease, event),
    },
    { lease, families: enabledFamilies(config), ttlMs, renewMarginMs, signal },
  );
  return {
    keeper,
    async [Symbol.asyncDispose]() {
      if (settings['release-lease-on-exit'] && stopped.aborted) await release(components, keeper.lease);
    },
  };
}

/** Deletes a lease, so that another host may take its subnet. A reservation stays. */
async function release(
  { registry, log }: Reporting & { readonly registry: Registry },
  lease: Lease,
): Promise<void> {
  if (lease.expiresAt === undefined) return;
  try {
    await registry.deleteLease(lease, { signal: AbortSignal.timeout(RELEASE_MS) });
    log.info({ lease: leaseKey(lease) }, 'lease released');
  } catch (error) {
    log.warn(
      { lease: leaseKey(lease), error },
      'the lease cannot be released; it ends with its time to live',
    );
  }
}
