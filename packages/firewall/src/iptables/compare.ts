import { findLeftovers } from './leftovers.ts';
import { orderRules } from './order-rules.ts';
import { isAnothers, ownerOf } from './owner.ts';
import { jumpRule, type ChainPlan } from './plan.ts';
import { ruleTarget, type SavedRule, type SavedTable } from './saved-table.ts';

/** What is wrong with a chain, and the lines for `iptables-restore --noflush` that repair it. */
export interface ChainDifference {
  readonly problems: readonly string[];
  /** Without the table's frame; see {@link restoreTable}. Empty when nothing is wrong. */
  readonly lines: readonly string[];
}

const NO_DIFFERENCE: ChainDifference = { problems: [], lines: [] };

export function compareChain(plan: ChainPlan, saved: SavedTable): ChainDifference {
  const found = findLeftovers(plan, saved);
  const leftovers: ChainDifference = {
    problems: found.map(({ chain, text }) => `${chain} has a rule of another daemon: ${text}`),
    lines: found.map(deleteLine),
  };
  const desired = desiredRules(plan, saved);
  const parts = desired
    ? [compareRules(plan, desired, saved), leftovers, compareJumps(plan, saved)]
    : [leftovers, removeChain(plan, saved)];
  return {
    problems: parts.flatMap(({ problems }) => problems),
    lines: parts.flatMap(({ lines }) => lines),
  };
}

/** One transaction: `iptables-restore` does all of a table or nothing. */
export function restoreTable(table: string, lines: readonly string[]): string {
  return [`*${table}`, ...lines, 'COMMIT', ''].join('\n');
}

/** The chain without the rules of other networks' daemons; `undefined`: no one needs the chain. */
function desiredRules(plan: ChainPlan, saved: SavedTable): readonly string[] | undefined {
  if (plan.rules) return plan.rules;
  const found = rulesOf(plan.chain, saved);
  if (!found.some((rule) => isAnothers(plan, rule))) return undefined;
  const common = found.filter((rule) => ownerOf(plan, rule) === 'common');
  return [...new Set(common.map(({ text }) => text))];
}

/** Compares our rules of the chain, in order, and repairs them one by one: rules of other daemons stay. */
function compareRules(plan: ChainPlan, desired: readonly string[], saved: SavedTable): ChainDifference {
  const { chain } = plan;
  const all = rulesOf(chain, saved);
  const own = all.filter((rule) => !isAnothers(plan, rule));
  const isThere = saved.chains.has(chain);
  const found = own.map(({ text }) => text);
  const problems = isThere
    ? describeDifference(desired, found).map((problem) => `${chain} ${problem}`)
    : [`${chain} is missing`];
  if (problems.length === 0) return NO_DIFFERENCE;
  // Refused where another daemon made the chain after it was read, while naming the chain would empty it.
  const created = isThere ? [] : [`-N ${chain}`];
  return { problems, lines: [...created, ...orderRules(chain, desired, all, own)] };
}

function describeDifference(desired: readonly string[], found: readonly string[]): string[] {
  const problems = [
    ...desired.filter((rule) => !found.includes(rule)).map((rule) => `lacks the rule ${rule}`),
    ...found.filter((rule) => !desired.includes(rule)).map((rule) => `has the unwanted rule ${rule}`),
    ...found.filter((rule, at) => found.indexOf(rule) < at).map((rule) => `has twice the rule ${rule}`),
  ];
  if (problems.length > 0) return problems;
  return found.every((rule, at) => rule === desired[at]) ? [] : ['has its rules in another order'];
}

function compareJumps(plan: ChainPlan, saved: SavedTable): ChainDifference {
  return plan.first ? compareFirstJump(plan, saved) : compareAnyJump(plan, saved);
}

/** Exactly one jump. A right one stays where it is: its place among others' rules is their business. */
function compareAnyJump(plan: ChainPlan, saved: SavedTable): ChainDifference {
  const jump = jumpRule(plan);
  const jumps = jumpsTo(plan, saved).filter(({ chain }) => chain === plan.parent);
  const right = jumps.filter(({ text }) => text === jump);
  const wrong = jumps.filter(({ text }) => text !== jump);
  // Every copy goes, as in orderRules.
  const replaced = right.length === 1 ? [] : right;
  return {
    problems: [
      ...(right.length === 0 ? [`${plan.parent} lacks the jump to ${plan.chain}`] : []),
      ...[...right.slice(1), ...wrong].map(describeSurplus),
    ],
    lines: [
      ...[...replaced, ...wrong].map(deleteLine),
      ...(right.length === 1 ? [] : [`-A ${plan.parent} ${jump}`]),
    ],
  };
}

/** Exactly one jump, as the first rule of the parent: what stands before it may drop. */
function compareFirstJump(plan: ChainPlan, saved: SavedTable): ChainDifference {
  const { parent, chain } = plan;
  const jumps = jumpsTo(plan, saved);
  const inPlace = rulesOf(parent, saved)[0]?.text === jumpRule(plan);
  const right = jumps.find((rule) => rule.chain === parent && rule.text === jumpRule(plan));
  const surplus = jumps.filter((rule) => rule !== right);
  if (inPlace && surplus.length === 0) return NO_DIFFERENCE;
  return {
    problems: [
      ...(inPlace ? [] : [`${parent} does not begin with the jump to ${chain}`]),
      ...surplus.map(describeSurplus),
    ],
    // All go, since deleting one of several equal rules deletes the first.
    lines: [...jumps.map(deleteLine), `-I ${parent} ${jumpRule(plan)}`],
  };
}

/**
 * Every jump goes first, wherever it is: a chain that is referred to cannot be deleted, nor one that got a rule of
 * another daemon after it was read.
 */
function removeChain(plan: ChainPlan, saved: SavedTable): ChainDifference {
  const { chain } = plan;
  if (!saved.chains.has(chain)) return NO_DIFFERENCE;
  const outside = jumpsTo(plan, saved).filter((rule) => rule.chain !== chain);
  return {
    problems: [`${chain} is left over`],
    lines: [...[...outside, ...rulesOf(chain, saved)].map(deleteLine), `-X ${chain}`],
  };
}

function rulesOf(chain: string, saved: SavedTable): SavedRule[] {
  return saved.rules.filter((rule) => rule.chain === chain);
}

function jumpsTo(plan: ChainPlan, saved: SavedTable): SavedRule[] {
  return saved.rules.filter((rule) => ruleTarget(rule) === plan.chain);
}

function describeSurplus({ chain, text }: SavedRule): string {
  return `${chain} has one jump too many: ${text}`;
}

function deleteLine({ chain, text }: SavedRule): string {
  return `-D ${chain} ${text}`;
}
