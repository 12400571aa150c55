import { parseAddress, parseSubnetKey } from '@flannel-ts/ip';
import { describe, expect, it } from 'vitest';
import {
  encodeLeaseAttributes,
  keepLease,
  leaseKey,
  LeaseLostError,
  RegistryUnavailableError,
  type Lease,
  type LeaseKeeper,
  type Registry,
} from '../src/index.ts';
import { createFakeClock, createMemoryStore, createRecordingLog } from '../src/testing/index.ts';

const HOUR_MS = 60 * 60 * 1000;
const TTL_MS = 24 * HOUR_MS;
const attributes = { publicIp: { ipv4: parseAddress('192.0.2.1') } };
const foreign = '{"PublicIP":"192.0.2.99"}';

async function setUp(change: (registry: Registry) => Registry = (registry) => registry) {
  const clock = createFakeClock();
  const store = createMemoryStore(clock);
  const log = createRecordingLog();
  const registry = store.open({ log });
  const lease = await registry.createLease({
    subnets: parseSubnetKey('10.5.1.0-24'),
    attributes,
    ttlMs: TTL_MS,
  });
  const stop = new AbortController();
  const options = { lease, ttlMs: TTL_MS, renewMarginMs: HOUR_MS, signal: stop.signal };
  const keeper = keepLease({ registry: change(registry), clock, log }, options);
  const stored = async () => (await registry.readLeases())[0];
  return { clock, store, log, registry, lease, stop, keeper, stored };
}

/** Shows the keeper that its lease is gone, as a watch would. */
function showRemoved(keeper: LeaseKeeper): void {
  keeper.observe([{ kind: 'removed', subnets: keeper.lease.subnets }]);
}

it('renews an hour before expiry, and again, and ends when told', async () => {
  const { clock, keeper, lease, stored, stop } = await setUp();
  await clock.advance(23 * HOUR_MS - 1);
  expect((await stored())!.revision).toBe(lease.revision);
  await clock.advance(1);
  expect((await stored())!.expiresAt).toBe(47 * HOUR_MS);
  await clock.advance(23 * HOUR_MS);
  expect((await stored())!.expiresAt).toBe(70 * HOUR_MS);
  stop.abort();
  await keeper.done;
});

it('tries again a minute after a failure', async () => {
  let failures = 1;
  const { clock, stored, log } = await setUp((registry) => ({
    ...registry,
    updateLease: (...args) =>
      failures-- > 0
        ? Promise.reject(new RegistryUnavailableError('etcd is down'))
        : registry.updateLease(...args),
  }));
  await clock.advance(23 * HOUR_MS);
  expect(log.entries.filter(({ level }) => level === 'warn').length).toBe(1);
  await clock.advance(60_000);
  expect((await stored())!.expiresAt).toBe(47 * HOUR_MS + 60_000);
});

it('takes the same subnet again when its lease is deleted', async () => {
  const { clock, keeper, registry, lease, stored } = await setUp();
  await registry.deleteLease(lease);
  showRemoved(keeper);
  await clock.advance(0);
  expect((await stored())!.attributes).toEqual(attributes);
});

it('writes its own attributes over what its former daemon wrote', async () => {
  const { clock, keeper, store, stored } = await setUp();
  store.writeEntry('10.5.1.0-24', '{"PublicIP":"192.0.2.1","BackendType":"vxlan"}');
  keeper.observe([{ kind: 'put', lease: (await stored())! }]);
  await clock.advance(0);
  expect((await stored())!.attributes.backendType).toBe(undefined);
});

it('never overwrites another owner, and says who has the lease', async () => {
  const { clock, keeper, store, stored } = await setUp();
  store.writeEntry('10.5.1.0-24', foreign);
  const done = keeper.done.catch((error: unknown) => error);
  await clock.advance(23 * HOUR_MS);
  const error = await done;
  expect(error).toBeInstanceOf(LeaseLostError);
  expect((error as LeaseLostError).current!.attributes.publicIp.ipv4!.toString()).toBe('192.0.2.99');
  expect((await stored())!.attributes.publicIp.ipv4!.toString()).toBe('192.0.2.99');
});

it('is lost when another took the subnet after it was deleted', async () => {
  const { clock, keeper, registry, lease, store } = await setUp();
  await registry.deleteLease(lease);
  store.writeEntry('10.5.1.0-24', foreign);
  const done = keeper.done.catch((error: unknown) => error);
  showRemoved(keeper);
  await clock.advance(0);
  expect(await done).toBeInstanceOf(LeaseLostError);
});

it('is not disturbed by its own writes and the leases of others', async () => {
  const { clock, keeper, lease, store, stored } = await setUp();
  store.writeEntry('10.5.2.0-24', foreign);
  keeper.observe([
    { kind: 'put', lease },
    { kind: 'removed', subnets: parseSubnetKey('10.5.3.0-24') },
  ]);
  await clock.advance(0);
  expect((await stored())!.revision).toBe(lease.revision);
});

/** A registry that tells how often it was written through. */
function counting() {
  const counts = { writes: 0 };
  const change = (registry: Registry): Registry => ({
    ...registry,
    createLease: (...args) => (counts.writes++, registry.createLease(...args)),
    updateLease: (...args) => (counts.writes++, registry.updateLease(...args)),
  });
  return { counts, change };
}

it('does not answer late news of its own writes with more of them', async () => {
  const { counts, change } = counting();
  const { clock, keeper, store, stored } = await setUp(change);
  const news: Lease[] = [];
  for (let write = 0; write < 2; write++) {
    store.writeEntry('10.5.1.0-24', encodeLeaseAttributes(attributes));
    news.push((await stored())!);
  }
  // A watch that lags: each change is shown after the keeper has written once more.
  for (let round = 0; round < 20; round++) {
    const [oldest] = news.splice(0, 1);
    if (!oldest) break;
    keeper.observe([{ kind: 'put', lease: oldest }]);
    await clock.advance(60_000);
    if (news.at(-1)?.revision !== keeper.lease.revision) news.push(keeper.lease);
  }
  expect(counts.writes).toBeLessThan(4);
  expect((await stored())!.revision).toBe(keeper.lease.revision);
});

it('takes news of a write that arrive before its answer for what they are', async () => {
  const { counts, change } = counting();
  let early: (lease: Lease) => void = () => undefined;
  const { clock, keeper } = await setUp((registry) => ({
    ...change(registry),
    updateLease: async (...args) => {
      counts.writes++;
      const lease = await registry.updateLease(...args);
      early(lease);
      return lease;
    },
  }));
  early = (lease) => keeper.observe([{ kind: 'put', lease }]);
  await clock.advance(24 * HOUR_MS);
  expect(counts.writes).toBe(1);
});

it('fights another daemon with its public IP once a minute, not without end', async () => {
  const { counts, change } = counting();
  const { clock, keeper, store, stored, log } = await setUp(change);
  const rival = '{"PublicIP":"192.0.2.1","BackendType":"vxlan"}';
  for (let second = 0; second < 100; second++) {
    if ((await stored())!.attributes.backendType === undefined) {
      store.writeEntry('10.5.1.0-24', rival);
      keeper.observe([{ kind: 'put', lease: (await stored())! }]);
    }
    await clock.advance(1000);
  }
  expect(counts.writes).toBe(2);
  expect(log.entries.filter(({ level }) => level === 'warn').length).toBe(2);
});

it('goes on when its own former daemon wins every race but the last', async () => {
  let races = 3;
  const { clock, keeper, stored } = await setUp((registry) => ({
    ...registry,
    updateLease: async (lease, update, options) => {
      if (races-- > 0) {
        const [current] = await registry.readLeases();
        await registry.updateLease(current!, { attributes, ttlMs: TTL_MS });
      }
      return registry.updateLease(lease, update, options);
    },
  }));
  await clock.advance(23 * HOUR_MS);
  expect((await stored())!.revision).toBe(keeper.lease.revision);
});

it('tries every minute while nobody can read what holds its place', async () => {
  const { clock, keeper, store, stored } = await setUp();
  store.deleteEntry('10.5.1.0-24');
  store.writeEntry('10.5.1.0-24', 'not JSON');
  showRemoved(keeper);
  await clock.advance(0);
  expect(await stored()).toBe(undefined);
  store.deleteEntry('10.5.1.0-24');
  await clock.advance(60_000);
  expect((await stored())!.attributes).toEqual(attributes);
});

it('renews at once a lease of which nobody knows when it ends', async () => {
  const { registry, clock, log, stop } = await setUp();
  const [read] = await registry.readLeases();
  const options = { ttlMs: TTL_MS, renewMarginMs: HOUR_MS, signal: stop.signal };
  const keeper = keepLease(
    { registry, clock, log },
    { ...options, lease: { ...read!, expiresAt: 'unknown' } },
  );
  await clock.advance(0);
  expect(keeper.lease.revision).not.toBe(read!.revision);
});

it('refuses a margin that leaves no time', async () => {
  const { registry, clock, log, lease, stop } = await setUp();
  const options = { lease, ttlMs: HOUR_MS, renewMarginMs: HOUR_MS, signal: stop.signal };
  expect(() => keepLease({ registry, clock, log }, options)).toThrow(RangeError);
});

describe('a reservation', () => {
  async function reserve() {
    const { counts, change } = counting();
    const context = await setUp(change);
    const { store, keeper, clock, stored } = context;
    // What `etcdctl put` without a lease does to ours.
    store.writeEntry('10.5.1.0-24', encodeLeaseAttributes(attributes));
    keeper.observe([{ kind: 'put', lease: (await stored())! }]);
    await clock.advance(0);
    return { ...context, counts };
  }

  it('that an operator makes of our lease is one from then on, and is not renewed', async () => {
    const { clock, keeper, stored, counts } = await reserve();
    expect(keeper.lease.expiresAt).toBe(undefined);
    const { writes } = counts;
    await clock.advance(10 * TTL_MS);
    expect(counts.writes).toBe(writes);
    expect((await stored())!.revision).toBe(keeper.lease.revision);
  });

  it('that is deleted comes back as a lease', async () => {
    const { clock, keeper, store, stored } = await reserve();
    store.deleteEntry('10.5.1.0-24');
    showRemoved(keeper);
    await clock.advance(0);
    expect(leaseKey((await stored())!)).toBe('10.5.1.0-24');
    expect((await stored())!.expiresAt).toBe(clock.now() + TTL_MS);
  });

  it('that goes to another host is lost', async () => {
    const { clock, keeper, store, stored } = await reserve();
    store.writeEntry('10.5.1.0-24', foreign);
    const done = keeper.done.catch((error: unknown) => error);
    keeper.observe([{ kind: 'put', lease: (await stored())! }]);
    await clock.advance(0);
    expect(await done).toBeInstanceOf(LeaseLostError);
  });
});
