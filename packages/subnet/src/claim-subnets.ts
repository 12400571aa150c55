import type { SubnetPair } from '@flannel-ts/ip';
import type { AcquireComponents, AcquireOptions } from './acquire-options.ts';
import { allocateSubnets, isCompatible, OutOfSubnetsError, overlap } from './allocate.ts';
import { ignoringLoss, LeaseExistsError } from './errors.ts';
import { leaseKey, type Lease } from './lease.ts';

type Claim =
  | { readonly lease: Lease }
  /** Others were faster at these keys, and nothing else is free by what we read: read again. */
  | { readonly lease?: undefined; readonly lost: ReadonlySet<string> };

/**
 * The previous subnet, or a free one.
 * @param lostBefore - keys of races that were lost since the reading before. What is lost a second time is
 * no lease that a reading will show one day.
 */
export async function claimSubnets(
  components: AcquireComponents,
  options: AcquireOptions,
  leased: readonly SubnetPair[],
  lostBefore: ReadonlySet<string>,
): Promise<Claim> {
  const { registry, log, random } = components;
  const { config, attributes, ttlMs, previous } = options;
  const taken = [...leased];
  const lost = new Set<string>();
  const isFree = (subnets: SubnetPair) => !taken.some((other) => overlap(other, subnets));
  let wanted = previous && isCompatible(config, previous) && isFree(previous) ? previous : undefined;
  for (;;) {
    try {
      const subnets = wanted ?? allocateSubnets(config, taken, random);
      const lease = await registry.createLease({ subnets, attributes, ttlMs }, options);
      return (await isUncontested(components, options, lease)) ? { lease } : { lost };
    } catch (error) {
      const isNew = (key: string) => !lostBefore.has(key);
      if (error instanceof OutOfSubnetsError && [...lost].some(isNew)) return { lost };
      if (!(error instanceof LeaseExistsError)) throw error;
      log.debug({ lease: leaseKey(error) }, 'another host was faster; choosing another subnet');
      lost.add(leaseKey(error));
      taken.push(error.subnets);
      wanted = undefined;
    }
  }
}

/**
 * With both families, leases of different keys may have one subnet in common: the registry cannot refuse
 * the second. Whoever sees the other after its own write gives way; at least the second one does.
 */
async function isUncontested(
  { registry, log }: AcquireComponents,
  options: AcquireOptions,
  lease: Lease,
): Promise<boolean> {
  if (!lease.subnets.ipv4 || !lease.subnets.ipv6) return true;
  const { leases, unreadable } = await registry.readSnapshot(options);
  const others = [...leases, ...unreadable].filter((other) => leaseKey(other) !== leaseKey(lease));
  const rival = others.find((other) => overlap(other.subnets, lease.subnets));
  if (!rival) return true;
  const facts = { lease: leaseKey(lease), rival: leaseKey(rival) };
  log.info(facts, 'another host leased a part of the same subnets at the same time; choosing others');
  await ignoringLoss(registry.deleteLease(lease, options));
  return false;
}
