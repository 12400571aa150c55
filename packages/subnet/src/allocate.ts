import { Prefix, type SubnetPair } from '@flannel-ts/ip';
import type { FamilyNetwork, NetworkConfig } from './config.ts';

/** Every subnet of the range is leased. */
export class OutOfSubnetsError extends Error {
  /** The cluster network that is full. */
  readonly network: Prefix;

  constructor(network: Prefix) {
    super('out of subnets');
    this.name = 'OutOfSubnetsError';
    this.network = network;
  }
}

/** A uniform random number, at least 0 and less than 1; `Math.random` fits. */
export type Random = () => number;

/**
 * How many of the lowest free subnets a host chooses among. n hosts that start at once collide about
 * n²/2W times over a window of W: upstream's 100 makes 100 hosts collide constantly, 65,536 hardly
 * ever. Routes are one per host anyway, so compact addresses would gain nothing; the bound is for IPv6,
 * whose ranges cannot be enumerated.
 */
const WINDOW = 65_536;

/**
 * Chooses a subnet of each enabled family at random among the lowest free ones. Takes time linear in
 * `taken` plus the candidates looked at.
 *
 * With both families, the n-th free subnet of one goes with the n-th of the other. Two hosts that start at
 * once and want one IPv4 subnet want one IPv6 subnet too, so that their leases have one key, and the
 * registry tells them apart.
 * @throws {OutOfSubnetsError}
 */
export function allocateSubnets(
  config: NetworkConfig,
  taken: Iterable<SubnetPair>,
  random: Random,
): SubnetPair {
  const pairs = [...taken];
  const ipv4 = config.ipv4 && createCandidates(config.ipv4, present(pairs.map((pair) => pair.ipv4)));
  const ipv6 = config.ipv6 && createCandidates(config.ipv6, present(pairs.map((pair) => pair.ipv6)));
  const choices = Math.min(...[ipv4, ipv6].map((candidates) => candidates?.free.length ?? Infinity));
  const rank = Math.floor(random() * choices);
  return { ipv4: ipv4?.take(rank), ipv6: ipv6?.take(rank) };
}

function present(prefixes: readonly (Prefix | undefined)[]): readonly Prefix[] {
  return prefixes.filter((prefix) => prefix !== undefined);
}

/** @throws {OutOfSubnetsError} */
function createCandidates(network: FamilyNetwork, taken: readonly Prefix[]) {
  const blocked = new BlockedCandidates(network, taken);
  const free: number[] = [];
  for (let index = 0; index < blocked.count && free.length < WINDOW; index = blocked.next(index)) {
    if (!blocked.has(index)) free.push(index);
  }
  if (free.length === 0) throw new OutOfSubnetsError(network.network);
  const first = new Prefix(network.subnetMin, network.subnetLength);
  return { free, take: (rank: number): Prefix => first.offset(free[rank]!) };
}

/** Which candidates, numbered from SubnetMin, overlap a lease. */
class BlockedCandidates {
  /** Number of candidates. IPv6 may have more than 2^53, which a `number` cannot tell apart: the rest is left out. */
  readonly count: number;
  readonly #single = new Set<number>();
  /** Leases wider than a candidate, as the index after their last one by the index of their first one. */
  readonly #wide = new Map<number, number>();

  constructor(network: FamilyNetwork, taken: readonly Prefix[]) {
    const { size } = new Prefix(network.subnetMin, network.subnetLength);
    const min = network.subnetMin.value;
    this.count = Math.min(Number((network.subnetMax.value - min) / size) + 1, Number.MAX_SAFE_INTEGER);
    for (const prefix of taken) {
      const first = Math.max(0, Number((prefix.network.value - min) / size));
      if (prefix.length >= network.subnetLength) {
        if (prefix.network.value >= min) this.#single.add(first);
      } else if (prefix.last.value >= min) {
        // Prefixes are nested or apart: the widest one at an index covers all that begin inside it.
        const end = Number((prefix.last.value - min) / size) + 1;
        if (end > (this.#wide.get(first) ?? 0)) this.#wide.set(first, end);
      }
    }
  }

  has(index: number): boolean {
    return this.#single.has(index) || this.#wide.has(index);
  }

  /** The candidate to look at after `index`: the next one, or the first one after a wide lease. */
  next(index: number): number {
    return this.#wide.get(index) ?? index + 1;
  }
}

/** Whether a host may keep `subnets` under this config: each enabled family has one inside the range, and no other has any. */
export function isCompatible(config: NetworkConfig, subnets: SubnetPair): boolean {
  return fits(config.ipv4, subnets.ipv4) && fits(config.ipv6, subnets.ipv6);
}

function fits(network: FamilyNetwork | undefined, subnet: Prefix | undefined): boolean {
  if (!network || !subnet) return network === subnet;
  return (
    subnet.length === network.subnetLength &&
    subnet.network.compare(network.subnetMin) >= 0 &&
    subnet.network.compare(network.subnetMax) <= 0
  );
}

/** Whether two leases would claim the same addresses. */
export function overlap(a: SubnetPair, b: SubnetPair): boolean {
  return overlaps(a.ipv4, b.ipv4) || overlaps(a.ipv6, b.ipv6);
}

function overlaps(a: Prefix | undefined, b: Prefix | undefined): boolean {
  return a !== undefined && b !== undefined && a.overlaps(b);
}
