import type { SubnetPair } from '@flannel-ts/ip';
import { allocateSubnets, isCompatible, OutOfSubnetsError, overlap, type Random } from './allocate.ts';
import type { NetworkConfig } from './config.ts';
import { LeaseExistsError, LeaseLostError } from './errors.ts';
import { leaseKey, type Lease, type LeaseAttributes } from './lease.ts';
import type { Logger } from './logger.ts';
import type { Registry } from './registry.ts';

export interface AcquireOptions {
  readonly config: NetworkConfig;
  /** What this host publishes. Its public addresses also tell which lease was this host's before. */
  readonly attributes: LeaseAttributes;
  /** The subnet that this host had before it was restarted, from subnet.env. */
  readonly previous?: SubnetPair | undefined;
  /** Time to live in milliseconds. */
  readonly ttlMs: number;
  readonly signal?: AbortSignal | undefined;
}

/**
 * Takes a lease for this host: the one that carries its public IP already, else its previous subnet, else
 * a free one. Every write is a compare-and-swap; whoever loses a race looks again, until the network is
 * really full. Reservations for this host are taken and stay reservations. Two hosts with one public IP
 * take each other's lease, as with upstream: the public IP is the host's identity.
 *
 * @throws {OutOfSubnetsError}
 * @throws {RegistryUnavailableError} try again
 */
export async function acquireLease(
  components: { readonly registry: Registry; readonly log: Logger; readonly random: Random },
  options: AcquireOptions,
): Promise<Lease> {
  for (;;) {
    options.signal?.throwIfAborted();
    const leases = await components.registry.readLeases(options);
    const lease = (await takeOver(components, options, leases)) ?? (await claim(components, options, leases));
    if (lease) return lease;
  }
}

type Components = Parameters<typeof acquireLease>[0];

/** A lease of ours that is there already. */
async function takeOver(
  { registry, log }: Components,
  options: AcquireOptions,
  leases: readonly Lease[],
): Promise<Lease | undefined> {
  const { config, attributes, ttlMs } = options;
  const own = leases.filter((lease) => isSameHost(lease.attributes, attributes));
  for (const lease of own.filter((candidate) => !isCompatible(config, candidate.subnets))) {
    const facts = { lease: leaseKey(lease) };
    if (lease.expiresAt === undefined) {
      log.warn(facts, 'a reservation for this host does not fit the network config; it is not used');
    } else {
      log.info(facts, 'the lease of this host does not fit the network config any more; it is given up');
      await ignoringLoss(registry.deleteLease(lease, options));
    }
  }
  const compatible = own.filter((lease) => isCompatible(config, lease.subnets));
  const found = compatible.find((lease) => lease.expiresAt === undefined) ?? compatible[0];
  if (!found) return undefined;
  const update = { attributes, ttlMs: found.expiresAt === undefined ? undefined : ttlMs };
  return ignoringLoss(registry.updateLease(found, update, options));
}

/** The previous subnet, or a free one. `undefined` when the leases that we know are out of date. */
async function claim(
  { registry, log, random }: Components,
  options: AcquireOptions,
  leases: readonly Lease[],
): Promise<Lease | undefined> {
  const { config, attributes, ttlMs, previous } = options;
  const taken = leases.map((lease) => lease.subnets);
  // A lease of ours that could not be taken over was lost in a race: look again first.
  if (
    leases.some((lease) => isSameHost(lease.attributes, attributes) && isCompatible(config, lease.subnets))
  ) {
    return undefined;
  }
  let wanted =
    previous && isCompatible(config, previous) && !taken.some((other) => overlap(other, previous))
      ? previous
      : undefined;
  for (let races = 0; ; races++) {
    let subnets: SubnetPair;
    try {
      subnets = wanted ?? allocateSubnets(config, taken, random);
    } catch (error) {
      // Full by what we know; others may have given up theirs since we read.
      if (error instanceof OutOfSubnetsError && races > 0) return undefined;
      throw error;
    }
    try {
      return await registry.createLease({ subnets, attributes, ttlMs }, options);
    } catch (error) {
      if (!(error instanceof LeaseExistsError)) throw error;
      log.debug({ lease: leaseKey({ subnets }) }, 'another host was faster; choosing another subnet');
      taken.push(subnets);
      wanted = undefined;
    }
  }
}

/** Whether both were published by the same host: the same public addresses. */
export function isSameHost(a: LeaseAttributes, b: LeaseAttributes): boolean {
  const pairs = [
    [a.publicIp.ipv4, b.publicIp.ipv4],
    [a.publicIp.ipv6, b.publicIp.ipv6],
  ] as const;
  // A host that gains or loses a family keeps its lease; one common address is enough, a differing one is not.
  const common = pairs.filter(([x, y]) => x && y);
  return common.length > 0 && common.every(([x, y]) => x!.equals(y));
}

async function ignoringLoss<T>(write: Promise<T>): Promise<T | undefined> {
  try {
    return await write;
  } catch (error) {
    if (error instanceof LeaseLostError) return undefined;
    throw error;
  }
}
