import { findLeftovers } from './leftovers.ts';
import { jumpRule, type ChainPlan } from './plan.ts';
import { ruleTarget, type SavedRule, type SavedTable } from './saved-table.ts';

/** What is wrong with a chain, and the lines for `iptables-restore --noflush` that put it right. */
export interface ChainDifference {
  readonly problems: readonly string[];
  /** Without the table's frame; see {@link restoreTable}. Empty when nothing is wrong. */
  readonly lines: readonly string[];
}

export function compareChain(plan: ChainPlan, saved: SavedTable): ChainDifference {
  const leftovers: ChainDifference = {
    problems: findLeftovers(plan, saved).map(
      ({ chain, text }) => `${chain} has a rule of another daemon: ${text}`,
    ),
    lines: findLeftovers(plan, saved).map(deleteLine),
  };
  const parts = plan.rules
    ? [compareRules(plan, plan.rules, saved), leftovers, compareJumps(plan, saved)]
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

/** A chain with anything wrong is filled anew; naming it empties it. */
function compareRules(plan: ChainPlan, wanted: readonly string[], saved: SavedTable): ChainDifference {
  const { chain } = plan;
  const found = saved.rules.filter((rule) => rule.chain === chain).map(({ text }) => text);
  const problems = saved.chains.has(chain)
    ? describeDifference(wanted, found).map((problem) => `${chain} ${problem}`)
    : [`${chain} is missing`];
  if (problems.length === 0) return { problems, lines: [] };
  return { problems, lines: [`:${chain} - [0:0]`, ...wanted.map((rule) => `-A ${chain} ${rule}`)] };
}

function describeDifference(wanted: readonly string[], found: readonly string[]): string[] {
  const problems = [
    ...wanted.filter((rule) => !found.includes(rule)).map((rule) => `lacks the rule ${rule}`),
    ...found.filter((rule) => !wanted.includes(rule)).map((rule) => `has the unwanted rule ${rule}`),
    ...found.filter((rule, at) => found.indexOf(rule) < at).map((rule) => `has twice the rule ${rule}`),
  ];
  if (problems.length > 0) return problems;
  return found.every((rule, at) => rule === wanted[at]) ? [] : ['has its rules in another order'];
}

/** Exactly one jump. A right one stays where it is: its place among others' rules is their business. */
function compareJumps(plan: ChainPlan, saved: SavedTable): ChainDifference {
  const jump = jumpRule(plan);
  const jumps = jumpsTo(plan, saved).filter(({ chain }) => chain === plan.parent);
  const right = jumps.filter(({ text }) => text === jump);
  const wrong = jumps.filter(({ text }) => text !== jump);
  const surplus = [...right.slice(1), ...wrong];
  const missing = right.length === 0;
  return {
    problems: [
      ...(missing ? [`${plan.parent} lacks the jump to ${plan.chain}`] : []),
      ...surplus.map(({ text }) => `${plan.parent} has one jump too many: ${text}`),
    ],
    lines: [...surplus.map(deleteLine), ...(missing ? [`-A ${plan.parent} ${jump}`] : [])],
  };
}

/** Every jump goes first, wherever it is: a chain that is referred to cannot be deleted. */
function removeChain(plan: ChainPlan, saved: SavedTable): ChainDifference {
  if (!saved.chains.has(plan.chain)) return { problems: [], lines: [] };
  const outside = jumpsTo(plan, saved).filter(({ chain }) => chain !== plan.chain);
  return {
    problems: [`${plan.chain} is left over`],
    lines: [...outside.map(deleteLine), `-F ${plan.chain}`, `-X ${plan.chain}`],
  };
}

function jumpsTo(plan: ChainPlan, saved: SavedTable): SavedRule[] {
  return saved.rules.filter((rule) => ruleTarget(rule) === plan.chain);
}

function deleteLine({ chain, text }: SavedRule): string {
  return `-D ${chain} ${text}`;
}
