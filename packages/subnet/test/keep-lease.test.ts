import { parseAddress, parseSubnetKey } from '@flannel-ts/ip';
import { expect, it } from 'vitest';
import {
  keepLease,
  LeaseLostError,
  RegistryUnavailableError,
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
