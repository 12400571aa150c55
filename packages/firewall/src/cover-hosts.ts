import { prefixOf, type Address, type Prefix } from '@flannel-ts/ip';

/**
 * Returns the fewest prefixes that hold these addresses and no others, since each is a rule that packets pay for.
 * @param addresses - of one family, in any order
 */
export function coverHosts(addresses: readonly Address[]): Prefix[] {
  const covered: Prefix[] = [];
  let level = addresses.map((address) => prefixOf(address, address.family === 4 ? 32 : 128));
  while (level.length > 0) {
    const pairs = new Map<string, Map<string, Prefix>>();
    for (const prefix of level) {
      const parent = prefixOf(prefix.network, prefix.length - 1).toString();
      pairs.set(parent, (pairs.get(parent) ?? new Map<string, Prefix>()).set(prefix.toString(), prefix));
    }
    const halves = [...pairs.values()].map((pair) => [...pair.values()]);
    covered.push(...halves.filter((pair) => pair.length === 1).flat());
    level = halves.flatMap(([one, other]) => (one && other ? [prefixOf(one.network, one.length - 1)] : []));
  }
  return covered.sort((one, other) => (one.network.value < other.network.value ? -1 : 1));
}
