import { expect, it } from 'vitest';
import { LeaseLostError, RegistryUnavailableError } from '../src/index.ts';
import {
  attributes,
  counting,
  foreign,
  HOUR_MS,
  KEY,
  rejection,
  startKeeper,
  TTL_MS,
} from './support/keeper.ts';

/** A keeper whose machine slept longer than its lease was valid, while the registry's time passed. */
async function afterPause(options: Parameters<typeof startKeeper>[0] = {}) {
  const context = await startKeeper(options);
  await context.clock.advance(HOUR_MS);
  await context.storeClock.advance(HOUR_MS);
  context.clock.suspend(TTL_MS);
  await context.storeClock.advance(TTL_MS);
  return context;
}

it('a lease that has not expired is verified without a request', async () => {
  const { counts, change } = counting();
  const { clock, keeper } = await startKeeper({ change });
  await clock.advance(22 * HOUR_MS);
  await keeper.verified();
  expect(counts).toEqual({ writes: 0, reads: 0 });
});

it('a lease that expired while the machine slept is verified before anything else is done with it', async () => {
  const { keeper, stored, kinds, clock } = await afterPause();
  expect(await stored()).toBe(undefined);
  await keeper.verified();
  expect((await stored())!.attributes).toEqual(attributes);
  expect(keeper.lease.expiresAt).toBe(clock.now() + TTL_MS);
  expect(kinds()).toEqual(['repaired', 'kept']);
});

it('a paused holder whose lease another host took loses it, and does not write over it', async () => {
  const { keeper, store, read, clock } = await afterPause();
  store.writeEntry(KEY, foreign);
  const taken = await read();
  expect(await rejection(keeper.verified())).toBeInstanceOf(LeaseLostError);
  expect(await rejection(keeper.done)).toBeInstanceOf(LeaseLostError);
  expect(await rejection(keeper.verified())).toBeInstanceOf(LeaseLostError);
  await clock.advance(2 * TTL_MS);
  expect(await read()).toEqual({ ...taken!, expiresAt: undefined });
});

it('a lease that expired during a pause is renewed within a minute, although its timer stood still', async () => {
  const { keeper, clock, lease } = await startKeeper();
  await clock.advance(HOUR_MS);
  clock.suspend(22 * HOUR_MS);
  await clock.advance(60_000);
  expect(keeper.lease.revision).not.toBe(lease.revision);
});

it('a lease stays unverified while the registry is out of reach', async () => {
  let isDown = true;
  const { keeper, clock } = await afterPause({
    change: (registry) => ({
      ...registry,
      updateLease: (...args) =>
        isDown ? Promise.reject(new RegistryUnavailableError('etcd is down')) : registry.updateLease(...args),
    }),
  });
  let isVerified = false;
  const verified = keeper.verified().then(() => (isVerified = true));
  await clock.advance(10_000);
  expect(isVerified).toBe(false);
  isDown = false;
  await clock.advance(60_000);
  await verified;
});

it('a wait for verification ends with the signal', async () => {
  const { keeper, stop } = await afterPause({
    change: (registry) => ({
      ...registry,
      updateLease: () => Promise.reject(new RegistryUnavailableError('etcd is down')),
    }),
  });
  const verified = rejection(keeper.verified());
  const reason = new Error('stopped');
  stop.abort(reason);
  expect(await verified).toBe(reason);
});
