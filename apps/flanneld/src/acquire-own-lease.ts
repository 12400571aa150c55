import {
  acquireLease,
  leaseKey,
  RegistryUnavailableError,
  type AcquireOptions,
  type Lease,
  type Registry,
} from '@flannel-ts/subnet';
import { keepTrying, NotYet } from './keep-trying.ts';
import type { Logger } from './log.ts';

/** Takes a lease, again every second while the registry is out of reach. @throws {OutOfSubnetsError} */
export async function acquireOwnLease(
  { registry, log }: { readonly registry: Registry; readonly log: Logger },
  options: AcquireOptions & { readonly signal: AbortSignal },
): Promise<Lease> {
  async function attempt(): Promise<Lease | NotYet> {
    try {
      return await acquireLease({ registry, log, random: Math.random }, options);
    } catch (error) {
      if (!(error instanceof RegistryUnavailableError)) throw error;
      return new NotYet(error.message, { error });
    }
  }

  const tell = ({ facts }: NotYet) => log.warn(facts, 'cannot lease a subnet yet; trying again every second');
  const lease = await keepTrying(attempt, { tell, signal: options.signal });
  log.info({ lease: leaseKey(lease), revision: lease.revision }, 'subnet leased');
  return lease;
}
