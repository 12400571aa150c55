import { setTimeout as delay } from 'node:timers/promises';
import {
  acquireLease,
  leaseKey,
  RegistryUnavailableError,
  type AcquireOptions,
  type Lease,
  type Registry,
} from '@flannel-ts/subnet';
import type { Logger } from './log.ts';

const RETRY_MS = 1_000;

/** Takes a lease, again every second while the registry is out of reach. @throws {OutOfSubnetsError} */
export async function acquireOwnLease(
  components: { readonly registry: Registry; readonly log: Logger },
  options: AcquireOptions & { readonly signal: AbortSignal },
): Promise<Lease> {
  const { log } = components;
  for (let said = ''; ;) {
    try {
      const lease = await acquireLease({ ...components, random: Math.random }, options);
      log.info({ lease: leaseKey(lease) }, 'subnet leased');
      return lease;
    } catch (error) {
      if (!(error instanceof RegistryUnavailableError)) throw error;
      if (error.message !== said) log.warn({ error }, 'cannot lease a subnet yet; trying again every second');
      said = error.message;
      await delay(RETRY_MS, undefined, { signal: options.signal });
    }
  }
}
