import type { AcquireComponents, AcquireOptions } from './acquire-options.ts';
import { isCompatible } from './allocate.ts';
import { claimSubnets } from './claim-subnets.ts';
import { ignoringLoss } from './errors.ts';
import { isSameHost, leaseKey, type Lease } from './lease.ts';

/**
 * Takes a lease for this host: the one that carries its public IP already, else its previous subnet, else
 * a free one. Every write is a compare-and-swap; whoever loses a race looks again, until the network is
 * really full. Reservations for this host are taken and stay reservations. Two hosts with one public IP
 * take each other's lease, as with upstream: the public IP is the host's identity.
 *
 * @throws {OutOfSubnetsError}
 * @throws {RegistryUnavailableError} try again
 */
export async function acquireLease(components: AcquireComponents, options: AcquireOptions): Promise<Lease> {
  let lost: ReadonlySet<string> = new Set();
  let known = options.leases;
  for (;;) {
    options.signal?.throwIfAborted();
    const leases = known ?? (await components.registry.readLeases(options));
    known = undefined;
    const own = leases.filter((lease) => isSameHost(lease.attributes, options.attributes));
    const fitting = own.filter((lease) => isCompatible(options.config, lease.subnets));
    const givenUp = await giveUp(
      components,
      options,
      own.filter((lease) => !fitting.includes(lease)),
    );
    if (fitting.length > 0) {
      const lease = await takeOver(components, options, fitting);
      if (lease) return lease;
    } else {
      const taken = leases.filter((lease) => !givenUp.includes(lease)).map((lease) => lease.subnets);
      const claim = await claimSubnets(components, options, taken, lost);
      if (claim.lease) return claim.lease;
      lost = claim.lost;
    }
  }
}

/** Deletes leases of ours that the config has no room for, and returns them. Reservations are the operator's. */
async function giveUp(
  { registry, log }: AcquireComponents,
  options: AcquireOptions,
  leases: readonly Lease[],
): Promise<readonly Lease[]> {
  const givenUp: Lease[] = [];
  for (const lease of leases) {
    const facts = { lease: leaseKey(lease) };
    if (lease.expiresAt === undefined) {
      log.warn(facts, 'a reservation for this host does not fit the network config; it is not used');
    } else {
      log.info(facts, 'the lease of this host does not fit the network config any more; it is given up');
      await ignoringLoss(registry.deleteLease(lease, options));
      givenUp.push(lease);
    }
  }
  return givenUp;
}

/** A lease of ours that is there already, a reservation first. `undefined` when it changed since we read it. */
async function takeOver(
  { registry }: AcquireComponents,
  options: AcquireOptions,
  leases: readonly Lease[],
): Promise<Lease | undefined> {
  const found = leases.find((lease) => lease.expiresAt === undefined) ?? leases[0]!;
  const ttlMs = found.expiresAt === undefined ? undefined : options.ttlMs;
  return ignoringLoss(registry.updateLease(found, { attributes: options.attributes, ttlMs }, options));
}
