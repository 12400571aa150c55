import { leaseKey, type LeaseKeeper, type Registry } from '@flannel-ts/subnet';
import type { Logger } from './log.ts';
import type { Settings } from './request.ts';

const MINUTE_MS = 60_000;
/** How long the registry may take to delete a lease when the daemon ends. */
const RELEASE_MS = 2_000;

/** How long a lease lives and how long before its end it is renewed, in milliseconds. */
export function leaseTiming(settings: Pick<Settings, 'subnet-lease-ttl' | 'subnet-lease-renew-margin'>): {
  readonly ttlMs: number;
  readonly renewMarginMs: number;
} {
  const ttlMs = settings['subnet-lease-ttl'];
  return { ttlMs, renewMarginMs: Math.min(settings['subnet-lease-renew-margin'] * MINUTE_MS, ttlMs / 2) };
}

/** Deletes the lease that is kept, so that another host may take its subnet. A reservation stays. */
export async function releaseLease(
  { registry, log }: { readonly registry: Registry; readonly log: Logger },
  { lease }: Pick<LeaseKeeper, 'lease'>,
): Promise<void> {
  if (lease.expiresAt === undefined) return;
  try {
    await registry.deleteLease(lease, { signal: AbortSignal.timeout(RELEASE_MS) });
    log.info({ lease: leaseKey(lease) }, 'lease released');
  } catch (error) {
    log.warn({ lease: leaseKey(lease), error }, 'the lease cannot be released; it ends with its time to live');
  }
}
