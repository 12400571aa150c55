import { AddressError, parsePrefix, type Prefix } from '@flannel-ts/ip';
import type { ChainPlan } from './plan.ts';
import { ruleComment, ruleDestinations, ruleOutputs, ruleSources, type SavedRule } from './saved-table.ts';

const MULTICAST: readonly Prefix[] = ['224.0.0.0/4', 'ff00::/8'].map(parsePrefix);

/**
 * Whose rule of flannel it is: `ours`, of the daemon of `another` network, or `common` when it names neither a
 * network nor a bridge, as the one about kube-proxy's mark. A rule belongs to the network of its destination, and
 * without one to that of its source: sources may be hosts of the underlay, which is any network.
 */
export function ownerOf({ owned }: Pick<ChainPlan, 'owned'>, rule: SavedRule): 'ours' | 'another' | 'common' {
  const destinations = ruleDestinations(rule).filter(isUnicast);
  const addresses = destinations.length > 0 ? destinations : ruleSources(rule);
  const bridges = addresses.length > 0 ? [] : ruleOutputs(rule);
  if (addresses.length === 0 && bridges.length === 0) return 'common';
  if (owned === 'all') return 'ours';
  const prefixes = addresses.flatMap(readPrefix);
  const isOurs =
    prefixes.some((prefix) => owned.networks.some((network) => network.contains(prefix))) ||
    bridges.some((bridge) => owned.bridges.includes(bridge));
  return isOurs ? 'ours' : 'another';
}

/** Whether a rule in a chain of flannel's was put there by the daemon of another network. */
export function isAnothers(plan: ChainPlan, rule: SavedRule): boolean {
  return ruleComment(rule) === plan.comment && ownerOf(plan, rule) === 'another';
}

function isUnicast(text: string): boolean {
  return !readPrefix(text).some((prefix) => MULTICAST.some((multicast) => multicast.contains(prefix)));
}

function readPrefix(text: string): Prefix[] {
  try {
    return [parsePrefix(text)];
  } catch (error) {
    if (error instanceof AddressError) return [];
    throw error;
  }
}
