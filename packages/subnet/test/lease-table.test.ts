import { parseAddress, parseSubnetKey } from '@flannel-ts/ip';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  changedKey,
  createLeaseTable,
  leaseKey,
  type Lease,
  type LeaseChange,
  type LeaseEvent,
  type UnreadableLease,
} from '../src/index.ts';

function lease(number: number, revision = 1, host = number): Lease {
  return {
    subnets: parseSubnetKey(`10.5.${number}.0-24`),
    attributes: { publicIp: { ipv4: parseAddress(`192.0.2.${host}`) } },
    expiresAt: 'unknown',
    revision: `${revision}`,
  };
}

function damaged(number: number, revision = 1): UnreadableLease {
  return { subnets: lease(number).subnets, revision: `${revision}`, reason: 'not valid JSON' };
}

function snapshot(leases: readonly Lease[], unreadable: readonly UnreadableLease[] = []): LeaseEvent {
  return { kind: 'snapshot', leases, unreadable };
}

const delta = (...changes: LeaseChange[]): LeaseEvent => ({ kind: 'delta', changes });

const words = (changes: readonly LeaseChange[]) =>
  changes.map((change) => `${change.kind} ${changedKey(change)}`);

it('compares a snapshot with what it knows', () => {
  const table = createLeaseTable();
  expect(table.apply(snapshot([lease(1), lease(2), lease(3)])).length).toBe(3);
  expect(words(table.apply(snapshot([lease(1), lease(2, 7), lease(4)])))).toEqual([
    'removed 10.5.3.0-24',
    'put 10.5.2.0-24',
    'put 10.5.4.0-24',
  ]);
});

it('drops changes that change nothing', () => {
  const table = createLeaseTable();
  const changes: LeaseChange[] = [
    { kind: 'put', lease: lease(1) },
    { kind: 'put', lease: lease(1) },
    { kind: 'removed', subnets: lease(2).subnets },
  ];
  expect(words(table.apply(delta(...changes)))).toEqual(['put 10.5.1.0-24']);
});

it('compares values too: a restored registry gives a revision that it knows to another host', () => {
  const table = createLeaseTable();
  table.apply(snapshot([lease(1, 7, 1)]));
  expect(words(table.apply(snapshot([lease(1, 7, 2)])))).toEqual(['put 10.5.1.0-24']);
  expect(table.leases.get('10.5.1.0-24')).toEqual(lease(1, 7, 2));
});

describe('an entry that became unreadable', () => {
  function damage(event: LeaseEvent) {
    const table = createLeaseTable();
    table.apply(snapshot([lease(1)]));
    return { table, changes: table.apply(event) };
  }

  it.each([
    ['a delta', delta({ kind: 'unreadable', lease: damaged(1, 2) })],
    ['a snapshot', snapshot([], [damaged(1, 2)])],
  ])('is reported by %s, and stays as it could be read last', (_, event) => {
    const { table, changes } = damage(event);
    expect(words(changes)).toEqual(['unreadable 10.5.1.0-24']);
    expect([...table.leases.values()]).toEqual([lease(1)]);
  });

  it('is reported once for each value', () => {
    const { table } = damage(snapshot([], [damaged(1, 2)]));
    expect(table.apply(snapshot([], [damaged(1, 2)]))).toEqual([]);
    expect(words(table.apply(snapshot([], [damaged(1, 3)])))).toEqual(['unreadable 10.5.1.0-24']);
  });

  it('is put when it can be read again, even as it was before', () => {
    const { table } = damage(snapshot([], [damaged(1, 2)]));
    expect(words(table.apply(snapshot([lease(1)])))).toEqual(['put 10.5.1.0-24']);
  });

  it('is removed when it goes, also when it never could be read', () => {
    const { table } = damage(snapshot([], [damaged(1, 2), damaged(2)]));
    expect(words(table.apply(snapshot([])))).toEqual(['removed 10.5.1.0-24', 'removed 10.5.2.0-24']);
    expect(table.leases.size).toBe(0);
  });
});

/** What a follower keeps of each key: the revision that could be read last. */
function enter(model: Map<string, string>, change: LeaseChange): void {
  if (change.kind === 'put') model.set(changedKey(change), change.lease.revision);
  else if (change.kind === 'removed') model.delete(changedKey(change));
}

/** What a snapshot says, as changes from what was there. */
function asChanges(model: ReadonlyMap<string, string>, event: LeaseEvent): readonly LeaseChange[] {
  if (event.kind === 'delta') return event.changes;
  const keys = new Set([...event.leases, ...event.unreadable].map(leaseKey));
  const missing = [...model.keys()].filter((key) => !keys.has(key));
  return [
    ...missing.map((key) => ({ kind: 'removed' as const, subnets: parseSubnetKey(key) })),
    ...event.leases.map((item) => ({ kind: 'put' as const, lease: item })),
  ];
}

const anyEvent: fc.Arbitrary<LeaseEvent> = fc.oneof(
  fc.tuple(fc.uniqueArray(fc.nat(9)), fc.nat(9)).map(([numbers, split]) =>
    snapshot(
      numbers.slice(split).map((number) => lease(number)),
      numbers.slice(0, split).map((number) => damaged(number)),
    ),
  ),
  fc.array(fc.tuple(fc.nat(9), fc.nat(3), fc.constantFrom('put', 'unreadable', 'removed'))).map((items) =>
    delta(
      ...items.map(([number, revision, kind]): LeaseChange => {
        if (kind === 'put') return { kind, lease: lease(number, revision) };
        if (kind === 'unreadable') return { kind, lease: damaged(number, revision) };
        return { kind: 'removed', subnets: lease(number).subnets };
      }),
    ),
  ),
);

it('holds what the events say, and yields what leads others there', () => {
  fc.assert(
    fc.property(fc.array(anyEvent), (events) => {
      const table = createLeaseTable();
      const model = new Map<string, string>();
      const follower = new Map<string, string>();
      for (const event of events) {
        asChanges(model, event).forEach((change) => enter(model, change));
        table.apply(event).forEach((change) => enter(follower, change));
      }
      const held = [...table.leases].map(([key, { revision }]) => [key, revision]);
      expect(Object.fromEntries(held)).toEqual(Object.fromEntries(model));
      expect(follower).toEqual(model);
    }),
  );
});
