import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { compareChain, restoreTable } from '../src/iptables/compare.ts';
import { jumpRule, planChains, type ChainPlan } from '../src/iptables/plan.ts';
import { parseSavedTable } from '../src/iptables/saved-table.ts';
import { familyRules, desiredRules } from './support/rules.ts';
import { createTableModel, type TableModel } from './support/table-model.ts';

const [masquerade, forward] = planChains(familyRules(4), false) as [ChainPlan, ChainPlan];
const undesired: ChainPlan = { ...masquerade, rules: undefined };
const jump = jumpRule(masquerade);
const { chain, parent } = masquerade;

function ingressRules() {
  const [overlay] = desiredRules(1).overlays;
  return familyRules(4, { overlays: [{ ...overlay!, interfaces: ['flannel.1'] }], underlay: 'eth0' });
}

/** Rules of Docker, Kubernetes and operators, and some made to be mistaken for ours. */
const foreign = [
  '-s 172.17.0.0/16 ! -o docker0 -j MASQUERADE',
  '-m comment --comment "kubernetes postrouting rules" -j KUBE-POSTROUTING',
  '-m comment --comment "see \\"-j FLANNEL-POSTRTG\\" for flanneld masq" -j RETURN',
  '-m comment --comment -j -j ACCEPT',
  '-s 10.5.0.0/16 ! -d 224.0.0.0/4 -j MASQUERADE',
  '! -s 10.5.0.0/16 -d 10.5.7.0/24 -j RETURN',
  '-s 10.5.0.0/16 -d 10.5.0.0/16 -j FLANNEL',
  '-m comment --comment "flanneld masquerade" -j MASQUERADE',
];
/** What upstream's daemons before the chain left, for an earlier subnet. */
const leftovers = [
  '-s 10.5.0.0/16 -d 10.5.0.0/16 -m comment --comment "flanneld masq" -j RETURN',
  '! -s 10.5.0.0/16 -d 10.5.7.0/24 -m comment --comment "flanneld masq" -j RETURN',
];

function repair(plan: ChainPlan, table: TableModel): readonly string[] {
  const { problems, lines } = compareChain(plan, parseSavedTable(table.save()));
  expect(problems.length > 0).toBe(lines.length > 0);
  table.restore(restoreTable(plan.table, lines));
  return problems;
}

const anyRules = (rules: readonly string[]) => fc.array(fc.constantFrom(...rules), { maxLength: 12 });
const anyTable = fc.record({
  ours: fc.option(anyRules([...masquerade.rules!, ...foreign]), { nil: undefined }),
  parent: anyRules([jump, ...foreign, ...leftovers]),
});

function tableOf(content: { ours?: string[] | undefined; parent: string[] }): TableModel {
  const others = [...new Set(content.parent.map((rule) => rule.split(' ').at(-1)!))];
  const chains = others.filter((name) => name === 'KUBE-POSTROUTING' || name === 'FLANNEL');
  return createTableModel(
    new Map<string, readonly string[]>([
      ...chains.map((name) => [name, ['-j RETURN']] as const),
      // A jump needs its chain.
      ...(content.ours || content.parent.includes(jump) ? [[chain, content.ours ?? []] as const] : []),
      [parent, content.parent] as const,
    ]),
  );
}

const isOurs = (rule: string) => rule === jump || leftovers.includes(rule);

describe('whatever the table holds', () => {
  it('is repaired in one transaction, and touches no rule of others', () => {
    fc.assert(
      fc.property(anyTable, (content) => {
        const table = tableOf(content);
        repair(masquerade, table);
        expect(table.chains.get(chain)).toEqual(masquerade.rules);
        expect(table.chains.get(parent)!.filter((rule) => rule === jump)).toHaveLength(1);
        expect(table.chains.get(parent)!.filter((rule) => rule !== jump)).toEqual(
          content.parent.filter((rule) => !isOurs(rule)),
        );
        expect(repair(masquerade, table)).toEqual([]);
      }),
      { numRuns: 500 },
    );
  });

  it('is removed without a trace, and touches no rule of others', () => {
    fc.assert(
      fc.property(anyTable, (content) => {
        const table = tableOf(content);
        repair(undesired, table);
        expect(table.chains.has(chain)).toBe(false);
        expect(table.chains.get(parent)).toEqual(content.parent.filter((rule) => !isOurs(rule)));
        expect(repair(undesired, table)).toEqual([]);
      }),
      { numRuns: 500 },
    );
  });
});

describe('a jump that must be first', () => {
  const [, , ingress] = planChains(ingressRules(), true) as [ChainPlan, ChainPlan, ChainPlan];
  const first = jumpRule(ingress);
  const others = ['-j RETURN', '-s 10.9.0.0/16 -j DROP', '-m comment --comment "flanneld ingress" -j RETURN'];
  const anyJumps = fc.record({
    ours: fc.option(anyRules([...ingress.rules!, '-j DROP']), { nil: undefined }),
    user: anyRules([first, ...others]),
    forward: anyRules([first, '-o eth1 -j FLANNEL-INGRESS', '-j DOCKER-USER', '-j ACCEPT']),
  });
  const withoutJumps = (rules: readonly string[]) =>
    rules.filter((rule) => !rule.endsWith('-j FLANNEL-INGRESS') && rule !== others[2]);

  it('is the first of its parent and the only one, whatever the table holds', () => {
    fc.assert(
      fc.property(anyJumps, ({ ours, user, forward: parent }) => {
        const jumps = [...user, ...parent].some((rule) => rule.endsWith('-j FLANNEL-INGRESS'));
        const table = createTableModel(
          new Map<string, readonly string[]>([
            ...(ours || jumps ? [[ingress.chain, ours ?? []] as const] : []),
            ['DOCKER-USER', user],
            ['FORWARD', parent],
          ]),
        );
        repair(ingress, table);
        expect(table.chains.get(ingress.chain)).toEqual(ingress.rules);
        expect(table.chains.get('DOCKER-USER')).toEqual([first, ...withoutJumps(user)]);
        expect(table.chains.get('FORWARD')).toEqual(withoutJumps(parent));
        expect(repair(ingress, table)).toEqual([]);
      }),
      { numRuns: 300 },
    );
  });
});

describe('says what is wrong', () => {
  const rules = masquerade.rules!;
  const mark = rules[0]!;
  const cases: [string, Record<string, readonly string[]>, string[]][] = [
    ['nothing', { [chain]: rules, [parent]: [jump] }, []],
    ['no chain', {}, [`${chain} is missing`, `${parent} lacks the jump to ${chain}`]],
    ['a rule less', { [chain]: rules.slice(1), [parent]: [jump] }, [`${chain} lacks the rule ${mark}`]],
    ['twice', { [chain]: [...rules, mark], [parent]: [jump] }, [`${chain} has twice the rule ${mark}`]],
    [
      'an older subnet',
      {
        [chain]: rules.map((rule) => rule.replaceAll('10.5.1.0', '10.5.9.0')),
        [parent]: [jump],
      },
      [
        ...rules.slice(1, 4).map((rule) => `${chain} lacks the rule ${rule}`),
        ...rules
          .slice(1, 4)
          .map((rule) => `${chain} has the unwanted rule ${rule.replace('10.5.1.0', '10.5.9.0')}`),
      ],
    ],
    [
      'another order',
      { [chain]: [...rules].reverse(), [parent]: [jump] },
      [`${chain} has its rules in another order`],
    ],
    ['no jump', { [chain]: rules }, [`${parent} lacks the jump to ${chain}`]],
    [
      'two jumps',
      { [chain]: rules, [parent]: [jump, '-j ACCEPT', jump] },
      [`${parent} has one jump too many: ${jump}`],
    ],
    [
      'another jump',
      { [chain]: rules, [parent]: [jump, `-o eth0 -g ${chain}`, `-m comment --comment -j -j ${chain}`] },
      [
        `${parent} has one jump too many: -o eth0 -g ${chain}`,
        `${parent} has one jump too many: -m comment --comment -j -j ${chain}`,
      ],
    ],
    [
      'rules of an earlier daemon',
      { [chain]: rules, [parent]: [jump, ...leftovers] },
      leftovers.map((rule) => `${parent} has a rule of another daemon: ${rule}`),
    ],
  ];
  it.each(cases)('%s', (_, chains, problems) => {
    expect(repair(masquerade, createTableModel(new Map(Object.entries(chains))))).toEqual(problems);
  });
});

describe('rules of upstream’s oldest daemons, without a comment', () => {
  const early = [
    '-s 10.5.0.0/16 -d 10.5.0.0/16 -j RETURN',
    '-s 10.5.0.0/16 ! -d 224.0.0.0/4 -j MASQUERADE --random-fully',
    '! -s 10.5.0.0/16 -d 10.5.7.0/24 -j RETURN',
    '! -s 10.5.0.0/16 -d 10.5.0.0/16 -j MASQUERADE --random-fully',
  ];
  const others = ['-s 10.9.0.0/16 -d 10.9.0.0/16 -j RETURN', '-s 10.5.0.0/16 -j MASQUERADE'];

  it('go together', () => {
    const table = createTableModel(new Map([[parent, [others[0]!, ...early, others[1]!]]]));
    repair(masquerade, table);
    expect(table.chains.get(parent)).toEqual([...others, jump]);
  });

  it('stay when they may be somebody else’s', () => {
    for (const part of [early.slice(1), early.slice(0, 1), early.slice(2)]) {
      const table = createTableModel(new Map([[parent, part]]));
      repair(masquerade, table);
      expect(table.chains.get(parent)).toEqual([...part, jump]);
    }
    const table = createTableModel(new Map([[forward.parent, ['-s 10.5.0.0/16 -j ACCEPT']]]));
    repair(forward, table);
    expect(table.chains.get(forward.parent)).toEqual(['-s 10.5.0.0/16 -j ACCEPT', jumpRule(forward)]);
  });
});

it('removes the chain although other chains refer to it', () => {
  const table = createTableModel(
    new Map([
      [chain, masquerade.rules!],
      ['OUTPUT', [`-o lo -j ${chain}`, '-j ACCEPT']],
      [parent, [jump]],
    ]),
  );
  repair(undesired, table);
  expect(table.chains.has(chain)).toBe(false);
  expect(table.chains.get('OUTPUT')).toEqual(['-j ACCEPT']);
});

it('deletes its rules one by one where another network’s daemon keeps the chain', () => {
  const [mark, ...ours] = masquerade.rules!;
  const others = ours.map((rule) => rule.replaceAll('10.5.', '10.6.'));
  const table = createTableModel(
    new Map([
      [chain, [mark!, ...ours, ours[0]!, ...others]],
      [parent, [jump]],
    ]),
  );
  const { lines } = compareChain(undesired, parseSavedTable(table.save()));
  expect(lines).toEqual([...ours, ours[0]!].map((rule) => `-D ${chain} ${rule}`));
  repair(undesired, table);
  expect(table.chains.get(chain)).toEqual([mark, ...others]);
  expect(table.chains.get(parent)).toEqual([jump]);
  expect(repair(undesired, table)).toEqual([]);
});
