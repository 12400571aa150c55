import type { SubnetPair } from '@flannel-ts/ip';
import type { AcquireComponents, AcquireOptions } from './acquire-options.ts';
import { isCompatible } from './allocate.ts';
import { claimSubnets } from './claim-subnets.ts';
import { enabledFamilies } from './config.ts';
import { ignoringLoss } from './errors.ts';
import { isSameHost, leaseKey, type Lease } from './lease.ts';
import { isSameVersion } from './same-version.ts';

/**
 * Takes a lease for this host: the one that it holds or that carries its public IP already, else its previous subnet, else
 * a free one. Every write is a compare-and-swap; a host that loses a race looks again, until the network is
 * really full. Reservations for this host are taken and stay reservations. Two hosts with one public IP
 * take each other's lease, as with upstream: the public IP is the host's identity.
 *
 * @throws {OutOfSubnetsError}
 * @throws {RegistryUnavailableError} try again
 */
export async function acquireLease(components: AcquireComponents, options: AcquireOptions): Promise<Lease> {
  const { config, attributes, signal } = options;
  const families = enabledFamilies(config);
  let lost: ReadonlySet<string> = new Set();
  let known = options.snapshot;
  for (;;) {
    signal?.throwIfAborted();
    const { leases, unreadable } = known ?? (await components.registry.readSnapshot(options));
    known = undefined;
    const own = leases.filter(
      (lease) => isSameHost(lease.attributes, attributes, families) || isHeld(lease, options.held),
    );
    const fitting = own.filter((lease) => isCompatible(config, lease.subnets));
    const givenUp = await giveUp(
      components,
      options,
      own.filter((lease) => !fitting.includes(lease)),
    );
    if (fitting.length > 0) {
      const lease = await takeOver(components, options, fitting);
      if (lease) return lease;
    } else {
      const others = leases.filter((lease) => !givenUp.includes(lease));
      const taken = [...others, ...unreadable].map((entry) => entry.subnets);
      const claim = await claimSubnets(components, options, taken, lost);
      if (claim.lease) return claim.lease;
      lost = claim.lost;
    }
  }
}

function isHeld(lease: Lease, held: Lease | undefined): boolean {
  return held !== undefined && leaseKey(lease) === leaseKey(held) && isSameVersion(held, lease);
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

/** Takes one of several leases of ours. `undefined` when it changed since we read it. */
async function takeOver(
  { registry }: AcquireComponents,
  options: AcquireOptions,
  leases: readonly Lease[],
): Promise<Lease | undefined> {
  const found = choose(leases, options.previous);
  const ttlMs = found.expiresAt === undefined ? undefined : options.ttlMs;
  return ignoringLoss(registry.updateLease(found, { attributes: options.attributes, ttlMs }, options));
}

/**
 * A reservation comes first: an operator wrote it for this host, to move it. Then the previous subnet, whose
 * addresses the containers of this host have; a lease of another one with our address is a stray.
 */
function choose(leases: readonly Lease[], previous: SubnetPair | undefined): Lease {
  const reservations = leases.filter((lease) => lease.expiresAt === undefined);
  const choices = reservations.length > 0 ? reservations : leases;
  const key = previous && leaseKey({ subnets: previous });
  return choices.find((lease) => leaseKey(lease) === key) ?? choices[0]!;
}
