import { parsePrefix } from '@flannel-ts/ip';
import fc from 'fast-check';
import { expect, it } from 'vitest';
import { ownAlso, splitByFamily } from '../src/family-rules.ts';
import { compareChain, restoreTable } from '../src/iptables/compare.ts';
import { jumpRule, planChains, type ChainPlan } from '../src/iptables/plan.ts';
import { parseSavedTable } from '../src/iptables/saved-table.ts';
import { createTableModel, type TableModel } from './support/table-model.ts';

/** The chain FLANNEL-POSTRTG as the daemon of the network 10.NUMBER.0.0/16 plans it. */
function planOf(number: number): ChainPlan & { readonly rules: readonly string[] } {
  const overlay = {
    network: parsePrefix(`10.${number}.0.0/16`),
    subnet: parsePrefix(`10.${number}.1.0/24`),
  };
  const rules = { overlays: [overlay], masquerade: { fullyRandom: true }, forward: true };
  const [ipv4] = splitByFamily(rules, ownAlso({ networks: [], bridges: [] }, rules));
  const [masquerade] = planChains(ipv4!, false);
  return { ...masquerade!, rules: masquerade!.rules! };
}

const plans = [planOf(5), planOf(6)] as const;
const [{ chain, parent }] = plans;
const jump = jumpRule(plans[0]);
const [mark] = plans[0].rules;
const ofNetwork = (number: number, rules: readonly string[]) =>
  rules.filter((rule) => rule.includes(`10.${number}.`));

/** Compares the table as it was read, and changes it as it is by now; a refused change is none. */
function repair(plan: ChainPlan, table: TableModel, read: string): readonly string[] {
  const { problems, lines } = compareChain(plan, parseSavedTable(read));
  try {
    table.restore(restoreTable(plan.table, lines));
  } catch {
    // Another daemon was quicker; the next compare reads again.
  }
  return problems;
}

/** What the two daemons do, and what another program does to their rules. */
const anyStep = fc.oneof(
  fc.record({ kind: fc.constant('repair' as const), by: fc.integer({ min: 0, max: 1 }) }),
  fc.record({ kind: fc.constant('read' as const), by: fc.integer({ min: 0, max: 1 }) }),
  fc.record({
    kind: fc.constantFrom('delete' as const, 'append' as const, 'insert' as const),
    rule: fc.constantFrom(jump, ...plans.flatMap(({ rules }) => rules)),
  }),
);

function takeStep(
  table: TableModel,
  read: string[],
  step: typeof anyStep extends fc.Arbitrary<infer T> ? T : never,
) {
  if (step.kind === 'read') read[step.by] = table.save();
  else if (step.kind === 'repair') repair(plans[step.by]!, table, read[step.by]!);
  else {
    const rules = table.chains.get(step.rule === jump ? parent : chain);
    if (!rules || (step.rule === jump && !table.chains.has(chain))) return;
    const at = rules.indexOf(step.rule);
    if (step.kind === 'append') rules.push(step.rule);
    else if (step.kind === 'insert') rules.unshift(step.rule);
    else if (at >= 0) rules.splice(at, 1);
  }
}

it('two daemons settle in three rounds, however their reads and writes were mixed before', () => {
  fc.assert(
    fc.property(fc.array(anyStep, { maxLength: 30 }), (steps) => {
      const table = createTableModel(new Map());
      const read = [table.save(), table.save()];
      for (const step of steps) takeStep(table, read, step);
      for (let round = 0; round < 3; round++) for (const plan of plans) repair(plan, table, table.save());
      for (const plan of plans) expect(repair(plan, table, table.save())).toEqual([]);
      const rules = table.chains.get(chain)!;
      expect(ofNetwork(5, rules)).toEqual(plans[0].rules.slice(1));
      expect(ofNetwork(6, rules)).toEqual(plans[1].rules.slice(1));
      expect(rules.filter((rule) => rule === mark)).toEqual([rules[0]]);
      expect(table.chains.get(parent)).toEqual([jump]);
    }),
    { numRuns: 1_000 },
  );
});

it('a daemon that read the chain before another wrote takes none of the other’s rules away', () => {
  fc.assert(
    fc.property(fc.array(anyStep, { maxLength: 20 }), (steps) => {
      const table = createTableModel(new Map());
      const read = [table.save(), table.save()];
      for (const step of steps) takeStep(table, read, step);
      const stale = table.save();
      repair(plans[1], table, table.save());
      repair(plans[1], table, table.save());
      repair(plans[0], table, stale);
      expect(ofNetwork(6, table.chains.get(chain)!)).toEqual(plans[1].rules.slice(1));
    }),
    { numRuns: 1_000 },
  );
});

it('repairs a rule without naming the others', () => {
  const [one, other] = plans;
  const all = [...one.rules, ...other.rules.slice(1)];
  const table = createTableModel(
    new Map([
      [chain, all.filter((rule) => rule !== one.rules[3])],
      [parent, [jump]],
    ]),
  );
  const { lines } = compareChain(one, parseSavedTable(table.save()));
  expect(lines).toEqual([`-I ${chain} 4 ${one.rules[3]!}`]);
});
