import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { parseAddress } from '@flannel-ts/ip';
import { entryKey, entryText, type Entry } from '../src/entry.ts';
import { planChanges, planReconcile } from '../src/plan.ts';
import { DesiredEntries } from '../src/desired-entries.ts';
import type { DesiredVxlan, HostState } from '../src/index.ts';
import { entries } from './support/words.ts';

/** What one owner wants, in words. */
function state(text: string): HostState {
  const all = entries(text);
  return {
    addresses: all.flatMap((entry) => (entry.kind === 'address' ? [entry.address] : [])),
    neighbours: all.flatMap((entry) => (entry.kind === 'neighbour' ? [entry.neighbour] : [])),
    fdb: all.flatMap((entry) => (entry.kind === 'fdb' ? [entry.fdb] : [])),
    routes: all.flatMap((entry) => (entry.kind === 'route' ? [entry.route] : [])),
  };
}

const near = 'fdb 02:00:00:00:01:07 dst 192.0.2.7 dev flannel.1';
const far = 'fdb 02:00:00:00:01:07 dst 203.0.113.7 dev flannel.1';

function changesOf(desired: DesiredEntries, changes: Record<string, string | undefined>): string[] {
  const states = Object.entries(changes).map(([owner, text]) => [owner, text && state(text)] as const);
  const steps = planChanges(desired.update(new Map(states as [string, HostState | undefined][])));
  return steps.map(({ verb, entry }) => `${verb} ${entryText(entry)}`);
}

describe('two owners of one key', () => {
  it('keep it until the last one lets go', () => {
    const desired = new DesiredEntries();
    expect(changesOf(desired, { one: near })).toEqual([`put ${near}`]);
    expect(changesOf(desired, { two: near })).toEqual([]);
    expect(changesOf(desired, { one: undefined })).toEqual([]);
    expect(changesOf(desired, { two: undefined })).toEqual([`delete ${near}`]);
    expect(desired.entries().size).toBe(0);
  });

  it('have the value of the one who asked last, and fall back to the other', () => {
    const desired = new DesiredEntries();
    expect(changesOf(desired, { one: near, two: far })).toEqual([`put ${far}`]);
    expect(changesOf(desired, { two: undefined })).toEqual([`put ${near}`]);
    expect(changesOf(desired, { two: far })).toEqual([`put ${far}`]);
    expect(changesOf(desired, { one: near })).toEqual([`put ${near}`]);
  });

  it('may change places in one update', () => {
    const desired = new DesiredEntries();
    changesOf(desired, { one: near });
    expect(changesOf(desired, { one: undefined, two: near })).toEqual([]);
  });
});

it('puts nothing for an owner whose state stays the same', () => {
  const desired = new DesiredEntries();
  changesOf(desired, { one: near });
  expect(changesOf(desired, { one: near })).toEqual([]);
});

it('knows the links that something depends on', () => {
  const vxlan: DesiredVxlan = {
    ...{ kind: 'vxlan', name: 'flannel.1', vni: 1, port: 8472, parent: 'eth0', mtu: 1450 },
    ...{ local: parseAddress('192.0.2.1'), learning: false, gbp: false },
  };
  const desired = new DesiredEntries();
  const route = { routes: state('route 10.5.7.0/24 via 192.0.2.7 dev eth1').routes };
  desired.replaceAll(
    new Map<string, HostState>([
      ['self', { links: [vxlan] }],
      ['peer', route],
    ]),
  );
  const dependedOn = () => ['flannel.1', 'eth0', 'eth1', 'docker0'].filter((name) => desired.dependsOn(name));
  expect(dependedOn()).toEqual(['flannel.1', 'eth0', 'eth1']);
  desired.update(new Map([['peer', undefined]]));
  expect(dependedOn()).toEqual(['flannel.1', 'eth0']);
  desired.update(new Map([['self', {}]]));
  expect(dependedOn()).toEqual([]);
});

describe('a kernel that is only told the changes', () => {
  // Few keys and values, so that owners share and quarrel.
  const line = fc.oneof(
    fc
      .tuple(fc.nat(2), fc.nat(2))
      .map(([key, value]) => `fdb 02:00:00:00:00:0${key} dst 192.0.2.${value} dev v`),
    fc.tuple(fc.nat(2), fc.nat(2)).map(([key, value]) => `route 10.5.${key}.0/24 via 192.0.2.${value} dev v`),
    fc
      .tuple(fc.nat(2), fc.nat(2))
      .map(([key, value]) => `neighbour 10.5.${key}.0 lladdr 02:00:00:00:00:0${value} dev v`),
    fc.nat(2).map((key) => `address 10.5.${key}.0/32 dev v`),
  );
  const owned = fc.array(line, { maxLength: 4 }).map((lines) => state(lines.join('\n')));
  const owner = fc.constantFrom('a', 'b', 'c');
  const action = fc.oneof(
    fc.record({
      kind: fc.constant('update' as const),
      states: fc.array(fc.tuple(owner, fc.option(owned, { nil: undefined }))),
    }),
    fc.record({ kind: fc.constant('replaceAll' as const), states: fc.array(fc.tuple(owner, owned)) }),
  );

  it('has what one has that is told everything', () => {
    const ownership = { links: [{ name: 'v', kind: 'vxlan' as const }], gatewayRoutes: [] };
    fc.assert(
      fc.property(fc.array(action), (actions) => {
        const desired = new DesiredEntries();
        const kernel = new Map<string, Entry>();
        for (const { kind, states } of actions) {
          if (kind === 'replaceAll') desired.replaceAll(new Map(states));
          const steps =
            kind === 'update'
              ? planChanges(desired.update(new Map(states)))
              : planReconcile(desired.entries(), [...kernel.values()], ownership);
          for (const { verb, entry } of steps) {
            if (verb === 'put') kernel.set(entryKey(entry), entry);
            else expect(kernel.delete(entryKey(entry))).toBe(true);
          }
          expect(textsOf(kernel)).toEqual(textsOf(desired.entries()));
        }
      }),
    );
  });
});

function textsOf(all: ReadonlyMap<string, Entry>): string[] {
  return [...all.values()].map(entryText).sort();
}
