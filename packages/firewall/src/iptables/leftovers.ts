import { ownerOf } from './owner.ts';
import type { ChainPlan } from './plan.ts';
import { ruleComment, ruleTarget, type SavedRule, type SavedTable } from './saved-table.ts';

/**
 * Rules that upstream's daemons up to v0.20 put into the built-in chain itself. The later ones have the comment.
 * The oldest have none; they are known as a set, since alone each could be somebody else's: no masquerading
 * within a network, together with masquerading of all that leaves it but multicast. Those of the FORWARD chain
 * have no such mark, and depend on no subnet, so they stay. Rules of another network are another daemon's.
 */
export function findLeftovers(plan: ChainPlan, saved: SavedTable): SavedRule[] {
  const rules = saved.rules.filter((rule) => rule.chain === plan.parent && ownerOf(plan, rule) !== 'another');
  const texts = new Set(rules.map(({ text }) => text));
  const networks = plan.table === 'nat' ? rules.flatMap(({ text }) => masqueradedNetwork(text) ?? []) : [];
  const early = networks.filter((network) => texts.has(`-s ${network} -d ${network} -j RETURN`));
  return rules.filter(
    (rule) =>
      (ruleComment(rule) === plan.comment && ruleTarget(rule) !== plan.chain) ||
      early.some((network) => isEarly(rule.text, network)),
  );
}

const MASQUERADED = /^-s (\S+) ! -d (?:224\.0\.0\.0\/4|ff00::\/8) -j MASQUERADE(?: --random-fully)?$/;

function masqueradedNetwork(text: string): string | undefined {
  return MASQUERADED.exec(text)?.[1];
}

function isEarly(text: string, network: string): boolean {
  if (masqueradedNetwork(text) === network || text === `-s ${network} -d ${network} -j RETURN`) return true;
  const fromOutside = `! -s ${network} -d `;
  if (!text.startsWith(fromOutside)) return false;
  const [destination, ...target] = text.slice(fromOutside.length).split(' ');
  const action = target.join(' ');
  return destination === network
    ? action === '-j MASQUERADE' || action === '-j MASQUERADE --random-fully'
    : action === '-j RETURN';
}
