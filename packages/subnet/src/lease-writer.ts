import { LeaseExistsError, LeaseLostError } from './errors.ts';
import { isSameHost, leaseKey, type Lease } from './lease.ts';
import type { Logger } from './logger.ts';
import type { Registry } from './registry.ts';

/** Writes one lease of this host, by compare-and-swap. */
export interface LeaseWriter {
  /** What the registry holds under the lease's key. */
  read(): Promise<Lease | undefined>;
  /**
   * Puts the lease into the registry again, with a fresh time to live, whatever happened to it.
   * @param known - what the registry held last; `undefined` for nothing
   * @throws {LeaseLostError} when another host has the subnet.
   */
  write(known: Lease | undefined): Promise<Lease>;
}

export function createLeaseWriter(
  { registry, log }: { readonly registry: Registry; readonly log: Logger },
  options: { readonly lease: Lease; readonly ttlMs: number; readonly signal: AbortSignal },
): LeaseWriter {
  const { ttlMs, signal } = options;
  const { attributes, subnets } = options.lease;
  const key = leaseKey(options.lease);

  /** Our lease in the registry again, whatever happened to it. @throws {LeaseLostError} when it is another's. */
  async function write(known: Lease | undefined): Promise<Lease> {
    for (let current = known; ;) {
      if (current && !isSameHost(current.attributes, attributes)) throw new LeaseLostError(subnets, current);
      try {
        return current ? await renew(current) : await recreate();
      } catch (error) {
        if (!(error instanceof LeaseLostError)) throw error;
        current = error.current;
      }
    }
  }

  async function renew(current: Lease): Promise<Lease> {
    const update = { attributes, ttlMs: current.expiresAt === undefined ? undefined : ttlMs };
    const renewed = await registry.updateLease(current, update, { signal });
    log.debug({ lease: key, expiresAt: renewed.expiresAt }, 'lease renewed');
    return renewed;
  }

  async function recreate(): Promise<Lease> {
    log.warn({ lease: key }, 'the lease vanished from the registry; taking the same subnet again');
    try {
      return await registry.createLease({ subnets, attributes, ttlMs }, { signal });
    } catch (error) {
      const current = error instanceof LeaseExistsError ? await read() : undefined;
      throw current ? new LeaseLostError(subnets, current) : error;
    }
  }

  async function read(): Promise<Lease | undefined> {
    return (await registry.readLeases({ signal })).find((candidate) => leaseKey(candidate) === key);
  }

  return { read, write };
}
