import { parseAddress, parseSubnetKey } from '@flannel-ts/ip';
import { describe, expect, it } from 'vitest';
import { encodeLeaseAttributes, keepLease, leaseKey, LeaseLostError, type Lease } from '../src/index.ts';
import {
  attributes,
  counting,
  delta,
  foreign,
  HOUR_MS,
  KEY,
  rejection,
  rival,
  showRemoved,
  startKeeper,
  TTL_MS,
} from './support/keeper.ts';

it('renews an hour before expiry, and again, and ends with its signal', async () => {
  const { clock, keeper, lease, stored, stop } = await startKeeper();
  await clock.advance(23 * HOUR_MS - 1);
  expect((await stored())!.revision).toBe(lease.revision);
  await clock.advance(1);
  expect(keeper.lease.expiresAt).toBe(47 * HOUR_MS);
  await clock.advance(23 * HOUR_MS);
  expect(keeper.lease.expiresAt).toBe(70 * HOUR_MS);
  expect((await stored())!.revision).toBe(keeper.lease.revision);
  stop.abort();
  await keeper.done;
});

it('takes the same subnet again when its lease is deleted', async () => {
  const { settle, keeper, registry, lease, stored, events } = await startKeeper();
  await registry.deleteLease(lease);
  showRemoved(keeper);
  await settle();
  expect((await stored())!.attributes).toEqual(attributes);
  expect(events).toEqual([
    { kind: 'repaired', reason: 'the lease had vanished from the registry' },
    { kind: 'kept' },
  ]);
});

it('takes its subnet again each time that a snapshot lacks it, although the watch has missed its own writes', async () => {
  const { settle, keeper, store, stored, kinds } = await startKeeper();
  for (const round of [1, 2]) {
    store.deleteEntry(KEY);
    keeper.observe({ kind: 'snapshot', leases: [], unreadable: [] });
    await settle();
    expect((await stored())!.attributes).toEqual(attributes);
    expect(kinds()).toHaveLength(2 * round);
  }
});

it('asks the registry before it believes a snapshot that is older than its last write', async () => {
  const { counts, change } = counting();
  const { settle, keeper, lease, stored } = await startKeeper({ change });
  keeper.observe({ kind: 'snapshot', leases: [], unreadable: [] });
  await settle();
  expect((await stored())!.revision).toBe(lease.revision);
  expect(counts).toEqual({ writes: 0, reads: 1 });
});

it('writes its own attributes over what its former daemon wrote', async () => {
  const { overwrite, stored, kinds } = await startKeeper();
  await overwrite(rival);
  expect((await stored())!.attributes).toEqual(attributes);
  expect(kinds()).toEqual(['repaired', 'kept']);
});

it('never overwrites another owner, and says who has the lease', async () => {
  const { clock, keeper, store, stored } = await startKeeper();
  store.writeEntry(KEY, foreign);
  const done = rejection(keeper.done);
  await clock.advance(23 * HOUR_MS);
  const error = (await done) as LeaseLostError;
  expect(error).toBeInstanceOf(LeaseLostError);
  expect(error.current).toEqual(await stored());
  expect(encodeLeaseAttributes((await stored())!.attributes)).toContain('192.0.2.99');
});

it('is lost at once when a watch shows another owner', async () => {
  const { overwrite, keeper } = await startKeeper();
  const done = rejection(keeper.done);
  await overwrite(foreign);
  expect(await done).toBeInstanceOf(LeaseLostError);
  expect(await rejection(keeper.verified())).toBe(await done);
});

it('is lost when another took the subnet after it was deleted', async () => {
  const { settle, keeper, registry, lease, store } = await startKeeper();
  await registry.deleteLease(lease);
  store.writeEntry(KEY, foreign);
  const done = rejection(keeper.done);
  showRemoved(keeper);
  await settle();
  expect(await done).toBeInstanceOf(LeaseLostError);
});

it('notices at once when a restored registry gives its revision to another host', async () => {
  const { settle, keeper, store, stored, lease } = await startKeeper({
    change: (registry) => ({
      ...registry,
      readLease: async (...args) => ({ ...(await registry.readLease(...args))!, revision: lease.revision }),
    }),
  });
  store.writeEntry(KEY, foreign);
  const done = rejection(keeper.done);
  keeper.observe(delta({ kind: 'put', lease: { ...(await stored())!, revision: lease.revision } }));
  await settle();
  expect(await done).toBeInstanceOf(LeaseLostError);
});

it('renews the lease that a restored registry has in place of the reservation, with its revision', async () => {
  const { clock, keeper, registry, stored, components, options } = await startKeeper();
  const restored = (await stored())!;
  // What was held is the reservation, of the same revision and content.
  const reservation = { ...restored, expiresAt: undefined };
  const second = keepLease(components, { ...options, lease: reservation });
  second.observe(delta({ kind: 'put', lease: restored }));
  await clock.advance(0);
  expect(second.lease.expiresAt).toBe(clock.now() + TTL_MS);
  expect((await registry.readLease(keeper.lease.subnets))!.revision).toBe(second.lease.revision);
});

it('is not disturbed by its own writes and the leases of others', async () => {
  const { counts, change } = counting();
  const { settle, keeper, lease } = await startKeeper({ change });
  keeper.observe(delta({ kind: 'put', lease }, { kind: 'removed', subnets: parseSubnetKey('10.5.3.0-24') }));
  keeper.observe({ kind: 'snapshot', leases: [lease], unreadable: [] });
  await settle();
  expect(counts).toEqual({ writes: 0, reads: 0 });
});

it('does not answer late news of its own writes with more of them', async () => {
  const { counts, change } = counting();
  const { clock, keeper, store, stored } = await startKeeper({ change });
  const news: Lease[] = [];
  for (let write = 0; write < 2; write++) {
    store.writeEntry(KEY, encodeLeaseAttributes(attributes));
    news.push((await stored())!);
  }
  // A watch that lags: each change is shown after the keeper has written once more.
  for (let round = 0; round < 20; round++) {
    const [oldest] = news.splice(0, 1);
    if (!oldest) break;
    keeper.observe(delta({ kind: 'put', lease: oldest }));
    await clock.advance(60_000);
    if (news.at(-1)?.revision !== keeper.lease.revision) news.push(keeper.lease);
  }
  expect(counts.writes).toBeLessThan(4);
  expect((await stored())!.revision).toBe(keeper.lease.revision);
});

it('takes news of a write that arrive before its answer for what they are', async () => {
  const { counts, change } = counting();
  let early: (lease: Lease) => void = () => undefined;
  const { clock, keeper } = await startKeeper({
    change: (registry) => ({
      ...change(registry),
      updateLease: async (...args) => {
        counts.writes++;
        const lease = await registry.updateLease(...args);
        early(lease);
        return lease;
      },
    }),
  });
  early = (lease) => keeper.observe(delta({ kind: 'put', lease }));
  await clock.advance(47 * HOUR_MS);
  expect(counts).toEqual({ writes: 2, reads: 0 });
});

it('writes over another daemon with its public IP once a minute, not without end', async () => {
  const { counts, change } = counting();
  const { clock, overwrite, stored, kinds } = await startKeeper({ change });
  for (let second = 0; second < 100; second++) {
    if ((await stored())!.attributes.backendType === undefined) await overwrite(rival);
    await clock.advance(1000);
  }
  expect(counts.writes).toBe(2);
  expect(kinds()).toEqual(['repaired', 'kept', 'repaired', 'kept']);
});

it('goes on when its own former daemon wins every race but the last', async () => {
  let races = 3;
  const { clock, keeper, stored } = await startKeeper({
    change: (registry) => ({
      ...registry,
      updateLease: async (lease, update, options) => {
        if (races-- > 0) {
          const [current] = await registry.readLeases();
          await registry.updateLease(current!, { attributes, ttlMs: TTL_MS });
        }
        return registry.updateLease(lease, update, options);
      },
    }),
  });
  await clock.advance(23 * HOUR_MS);
  expect((await stored())!.revision).toBe(keeper.lease.revision);
});

it('renews at once a lease of which no one knows when it ends', async () => {
  const { components, options, lease, settle } = await startKeeper();
  const keeper = keepLease(components, { ...options, lease: { ...lease, expiresAt: 'unknown' } });
  await settle();
  expect(keeper.lease.revision).not.toBe(lease.revision);
});

it('refuses a margin that leaves no time, and names both', async () => {
  const { components, options } = await startKeeper();
  const keep = () => keepLease(components, { ...options, ttlMs: HOUR_MS, renewMarginMs: 2 * HOUR_MS });
  expect(keep).toThrow(RangeError);
  expect(keep).toThrow('less than the time to live of 3600000 ms, not 7200000');
});

it('is found by its address of an enabled family, although its address of another one has changed', async () => {
  const { overwrite, settle, stored, keeper } = await startKeeper();
  const both = { publicIp: { ...attributes.publicIp, ipv6: parseAddress('2001:db8::1') } };
  keeper.publish(both);
  await settle();
  await overwrite('{"PublicIP":"192.0.2.1","PublicIPv6":"2001:db8::99"}');
  expect((await stored())!.attributes).toEqual(both);
  expect((await stored())!.revision).toBe(keeper.lease.revision);
});

describe('a value that no one can read', () => {
  it('is replaced at once, by compare-and-swap on its revision', async () => {
    const { counts, change } = counting();
    const { overwrite, stored, events } = await startKeeper({ change });
    await overwrite('not JSON');
    expect(await stored()).toMatchObject({ attributes, expiresAt: TTL_MS });
    expect(events[0]?.kind === 'repaired' && events[0].reason).toContain('not valid JSON');
    expect(counts.writes).toBe(1);
  });

  it('that stands where the lease was deleted is replaced too', async () => {
    const { store, keeper, settle, stored } = await startKeeper();
    store.deleteEntry(KEY);
    store.writeEntry(KEY, 'not JSON');
    showRemoved(keeper);
    await settle();
    expect((await stored())!.attributes).toEqual(attributes);
  });

  it('that another process writes again and again is replaced once a minute', async () => {
    const { counts, change } = counting();
    const { clock, overwrite, stored } = await startKeeper({ change });
    for (let second = 0; second < 100; second++) {
      if (await stored()) await overwrite('not JSON');
      await clock.advance(1000);
    }
    expect(counts.writes).toBe(2);
  });

  it('is replaced by a reservation where a reservation was', async () => {
    const { overwrite, stored } = await startKeeper();
    await overwrite(encodeLeaseAttributes(attributes));
    await overwrite('not JSON');
    expect(await stored()).toMatchObject({ attributes, expiresAt: undefined });
  });
});

describe('a reservation', () => {
  async function reserve() {
    const { counts, change } = counting();
    const context = await startKeeper({ change });
    // What `etcdctl put` without a lease does to ours.
    await context.overwrite(encodeLeaseAttributes(attributes));
    return { ...context, counts };
  }

  it('that an operator makes of our lease is one from then on, and is not renewed', async () => {
    const { clock, keeper, stored, counts, kinds } = await reserve();
    expect(kinds()).toEqual(['kept']);
    expect(keeper.lease.expiresAt).toBe(undefined);
    const { writes } = counts;
    await clock.advance(10 * TTL_MS);
    expect(counts.writes).toBe(writes);
    expect((await stored())!.revision).toBe(keeper.lease.revision);
  });

  it('that is deleted comes back as a lease', async () => {
    const { clock, settle, keeper, store, stored } = await reserve();
    store.deleteEntry(KEY);
    showRemoved(keeper);
    await settle();
    expect(leaseKey((await stored())!)).toBe(KEY);
    expect((await stored())!.expiresAt).toBe(clock.now() + TTL_MS);
  });

  it('that goes to another host is lost', async () => {
    const { overwrite, keeper } = await reserve();
    const done = rejection(keeper.done);
    await overwrite(foreign);
    expect(await done).toBeInstanceOf(LeaseLostError);
  });
});
