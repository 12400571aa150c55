import { AddressError, parsePrefix, type Prefix } from '@flannel-ts/ip';
import type { ChainPlan } from './plan.ts';
import { ruleAddresses, ruleComment, type SavedRule } from './saved-table.ts';

/**
 * Whose rule of flannel it is, by the networks that it names: `ours`, of the daemon of `another` network, or
 * `common` when it names none, as the one about kube-proxy's mark.
 */
export function ownerOf({ owned }: Pick<ChainPlan, 'owned'>, rule: SavedRule): 'ours' | 'another' | 'common' {
  const addresses = ruleAddresses(rule);
  if (addresses.length === 0) return 'common';
  if (owned === 'all') return 'ours';
  const prefixes = addresses.flatMap(readPrefix);
  return prefixes.some((prefix) => owned.some((network) => network.contains(prefix))) ? 'ours' : 'another';
}

/** Whether a rule in a chain of flannel's was put there by the daemon of another network. */
export function isAnothers(plan: ChainPlan, rule: SavedRule): boolean {
  return ruleComment(rule) === plan.comment && ownerOf(plan, rule) === 'another';
}

function readPrefix(text: string): Prefix[] {
  try {
    return [parsePrefix(text)];
  } catch (error) {
    if (error instanceof AddressError) return [];
    throw error;
  }
}
