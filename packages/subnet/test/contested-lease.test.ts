import { parseAddress, parseSubnetKey } from '@flannel-ts/ip';
import { expect, it } from 'vitest';
import {
  leaseKey,
  LeaseLostError,
  RegistryUnavailableError,
  type Lease,
  type Registry,
} from '../src/index.ts';
import { yieldToRival } from '../src/contested-lease.ts';
import { createFakeClock, createMemoryStore, createRecordingLog } from '../src/testing/index.ts';
import { attributes, foreign, KEY, rejection, showRemoved, startKeeper } from './support/keeper.ts';

const WIDE = '10.5.0.0-23';
const NARROW = '10.5.1.128-25';

it('a lease that vanished is not recreated over an entry of another host that overlaps it', async () => {
  const created: string[] = [];
  const { settle, keeper, store } = await startKeeper({
    change: (registry) => ({
      ...registry,
      createLease: (request, call) => {
        created.push(leaseKey(request));
        return registry.createLease(request, call);
      },
    }),
  });
  store.deleteEntry(KEY);
  store.writeEntry(WIDE, foreign);
  showRemoved(keeper);
  const done = rejection(keeper.done);
  await settle();
  const error = (await done) as LeaseLostError;
  expect(error).toBeInstanceOf(LeaseLostError);
  expect(error.message).toBe('lease 10.5.1.0-24 overlaps 10.5.0.0-23 of another host');
  expect(created).toEqual([]);
});

it('a lease that vanished is not recreated over an entry that no one can read and that overlaps it', async () => {
  const { settle, keeper, store, stored } = await startKeeper();
  store.deleteEntry(KEY);
  store.writeEntry(NARROW, 'not JSON');
  showRemoved(keeper);
  const done = rejection(keeper.done);
  await settle();
  expect(await done).toBeInstanceOf(LeaseLostError);
  expect(await stored()).toBe(undefined);
});

it('a lease that vanished is recreated beside another lease of its host that overlaps it', async () => {
  const { settle, keeper, store, stored } = await startKeeper();
  store.deleteEntry(KEY);
  store.writeEntry(WIDE, '{"PublicIP":"192.0.2.1"}');
  showRemoved(keeper);
  await settle();
  expect((await stored())!.revision).toBe(keeper.lease.revision);
});

/** A registry in which an operator reserves a subnet in the moment in which a lease is recreated. */
function reservingMeanwhile(registry: Registry, reserve: () => void): Registry {
  return {
    ...registry,
    createLease: (request, call) => {
      reserve();
      return registry.createLease(request, call);
    },
  };
}

it.each([WIDE, NARROW])('a recreated lease gives way to a reservation of %s made meanwhile', async (key) => {
  const context = await startKeeper({
    change: (registry) => reservingMeanwhile(registry, () => context.store.writeEntry(key, foreign)),
  });
  const { settle, keeper, store, registry } = context;
  store.deleteEntry(KEY);
  showRemoved(keeper);
  const done = rejection(keeper.done);
  await settle();
  expect(await done).toBeInstanceOf(LeaseLostError);
  expect((await registry.readLeases()).map(leaseKey)).toEqual([key]);
});

it('a recreated lease gives way also when the registry is out of reach before it can look', async () => {
  let outages = 1;
  let creations = 0;
  const context = await startKeeper({
    change: (registry) => ({
      ...reservingMeanwhile(registry, () => {
        creations++;
        context.store.writeEntry(WIDE, foreign);
      }),
      readSnapshot: async (call) => {
        if (creations > 0 && outages-- > 0) throw new RegistryUnavailableError('no endpoint answered');
        return registry.readSnapshot(call);
      },
    }),
  });
  const { clock, keeper, store, registry, kinds } = context;
  store.deleteEntry(KEY);
  showRemoved(keeper);
  const done = rejection(keeper.done);
  await clock.advance(10_000);
  expect(await done).toBeInstanceOf(LeaseLostError);
  expect(kinds()).toContain('failing');
  expect((await registry.readLeases()).map(leaseKey)).toEqual([WIDE]);
});

it('of two leases that see each other exactly one gives way, whichever was written first', async () => {
  const keys = ['10.5.1.0-24&fc00:0:0:1::-64', '10.5.1.0-24&fc00:0:0:2::-64'];
  for (const order of [keys, keys.toReversed()]) {
    using store = createMemoryStore(createFakeClock());
    const registry = store.open({ log: createRecordingLog() });
    const leases: Lease[] = [];
    for (const key of order) {
      const publicIp = { ipv4: parseAddress(`192.0.2.${leases.length + 1}`) };
      const request = { subnets: parseSubnetKey(key), attributes: { publicIp }, ttlMs: 60_000 };
      leases.push(await registry.createLease(request));
    }
    const rivals = await Promise.all(
      leases.map((lease) => yieldToRival(registry, lease, { families: [4, 6] })),
    );
    expect(rivals.filter((rival) => rival !== undefined).map(leaseKey)).toEqual([keys[0]]);
    expect((await registry.readLeases()).map(leaseKey)).toEqual([keys[0]]);
  }
});

it('a lease that comes first gives way to one that stays, as its host does not look any more', async () => {
  using store = createMemoryStore(createFakeClock());
  const registry = store.open({ log: createRecordingLog() });
  store.writeEntry('10.5.1.0-25', foreign);
  const lease = await registry.createLease({ subnets: parseSubnetKey(KEY), attributes, ttlMs: 60_000 });
  expect(leaseKey((await yieldToRival(registry, lease, { families: [4] }))!)).toBe('10.5.1.0-25');
  expect((await registry.readLeases()).map(leaseKey)).toEqual(['10.5.1.0-25']);
});
