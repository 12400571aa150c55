import type { SubnetPair } from '@flannel-ts/ip';
import type { AcquireComponents, AcquireOptions } from './acquire-options.ts';
import { allocateSubnets, isCompatible, OutOfSubnetsError, overlap } from './allocate.ts';
import { enabledFamilies } from './config.ts';
import { yieldToRival } from './contested-lease.ts';
import { LeaseExistsError } from './errors.ts';
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
      const families = enabledFamilies(config);
      const rival = await yieldToRival(registry, lease, { families, signal: options.signal });
      if (!rival) return { lease };
      const facts = { lease: leaseKey(lease), rival: leaseKey(rival) };
      log.info(facts, 'another host leased a part of the same subnets at the same time; choosing others');
      return { lost };
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
