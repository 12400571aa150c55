import { parseAddress, parseSubnetKey } from '@flannel-ts/ip';
import fc from 'fast-check';
import { expect, it } from 'vitest';
import { createLeaseTable, leaseKey, type Lease, type LeaseChange } from '../src/index.ts';

function lease(number: number, revision = 1): Lease {
  return {
    subnets: parseSubnetKey(`10.5.${number}.0-24`),
    attributes: { publicIp: { ipv4: parseAddress(`192.0.2.${number}`) } },
    expiresAt: 'unknown',
    revision: `${revision}`,
  };
}

const words = (changes: readonly LeaseChange[]) =>
  changes.map((change) =>
    change.kind === 'put' ? `put ${leaseKey(change.lease)}` : `removed ${leaseKey(change)}`,
  );

it('compares a snapshot with what it knows', () => {
  const table = createLeaseTable();
  expect(words(table.apply({ kind: 'snapshot', leases: [lease(1), lease(2), lease(3)] })).length).toBe(3);
  expect(words(table.apply({ kind: 'snapshot', leases: [lease(1), lease(2, 7), lease(4)] }))).toEqual([
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
  expect(words(table.apply({ kind: 'delta', changes }))).toEqual(['put 10.5.1.0-24']);
});

/** The model: revisions by key. */
function enter(model: Map<string, string>, change: LeaseChange): void {
  if (change.kind === 'put') model.set(leaseKey(change.lease), change.lease.revision);
  else model.delete(leaseKey(change));
}

it('holds what the events say, and yields what leads others there', () => {
  const event = fc.oneof(
    fc
      .uniqueArray(fc.nat(9))
      .map((numbers) => ({ kind: 'snapshot' as const, leases: numbers.map((number) => lease(number)) })),
    fc.array(fc.tuple(fc.nat(9), fc.nat(3), fc.boolean())).map((items) => ({
      kind: 'delta' as const,
      changes: items.map(([number, revision, put]): LeaseChange =>
        put
          ? { kind: 'put', lease: lease(number, revision) }
          : { kind: 'removed', subnets: lease(number).subnets },
      ),
    })),
  );
  fc.assert(
    fc.property(fc.array(event), (events) => {
      const table = createLeaseTable();
      let model = new Map<string, string>();
      const follower = new Map<string, string>();
      for (const item of events) {
        if (item.kind === 'snapshot') model = new Map();
        const puts: LeaseChange[] =
          item.kind === 'delta'
            ? item.changes
            : item.leases.map((snapshot) => ({ kind: 'put', lease: snapshot }));
        puts.forEach((change) => enter(model, change));
        table.apply(item).forEach((change) => enter(follower, change));
      }
      const held = [...table.leases].map(([key, { revision }]) => [key, revision]);
      expect(Object.fromEntries(held)).toEqual(Object.fromEntries(model));
      expect(follower).toEqual(model);
    }),
  );
});
