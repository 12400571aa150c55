import { describe, expect, it } from 'vitest';
import {
  encodeLeaseAttributes,
  RegistryUnavailableError,
  type KeeperEvent,
  type LeaseKeeper,
  type Registry,
} from '../src/index.ts';
import { attributes, HOUR_MS, KEY, showRemoved, startKeeper, TTL_MS } from './support/keeper.ts';

const MINUTE_MS = 60_000;

/** A registry whose writes fail while `down.writes` says so. */
function failing() {
  const down = { writes: true, attempts: 0 };
  const change = (registry: Registry): Registry => ({
    ...registry,
    updateLease: (...args) => {
      down.attempts++;
      if (!down.writes) return registry.updateLease(...args);
      return Promise.reject(new RegistryUnavailableError('etcd is down'));
    },
  });
  return { down, change };
}

const failures = (events: readonly KeeperEvent[]) => events.filter((event) => event.kind === 'failing');

describe('a renewal that failed', () => {
  it('is tried again many times before the lease expires, whatever the margin', async () => {
    for (const renewMarginMs of [10_000, MINUTE_MS, HOUR_MS]) {
      const { down, change } = failing();
      const { clock, keeper } = await startKeeper({ renewMarginMs, change, random: () => 0.99 });
      const { expiresAt } = keeper.lease;
      await clock.advance(Number(expiresAt) - 1000);
      expect(down.attempts).toBeGreaterThan(4);
      down.writes = false;
      await clock.advance(1000);
      expect(Number(keeper.lease.expiresAt)).toBeGreaterThan(Number(expiresAt));
      expect(keeper.lease.expiresAt).toBeLessThanOrEqual(Number(expiresAt) + TTL_MS);
    }
  });

  it('is tried again after waits that double up to a minute and to half of what is left, with full jitter', async () => {
    const { change } = failing();
    const { clock, events } = await startKeeper({ change, random: () => 0.5 });
    await clock.advance(TTL_MS - 1);
    let longest = 1000;
    for (const { retryInMs, remainingMs } of failures(events)) {
      expect(retryInMs).toBe(Math.min(longest, Math.max(1000, remainingMs / 2)) / 2);
      longest = Math.min(2 * longest, MINUTE_MS);
    }
    expect(failures(events).length).toBeGreaterThan(100);
    expect(failures(events)[0]!.error).toBeInstanceOf(RegistryUnavailableError);
  });

  it('does not become a flood when the lease has expired', async () => {
    const { down, change } = failing();
    const { clock } = await startKeeper({ change, random: () => 0.5 });
    await clock.advance(TTL_MS + MINUTE_MS);
    const { attempts } = down;
    await clock.advance(HOUR_MS);
    expect(down.attempts - attempts).toBeLessThanOrEqual(120);
  });

  it('is followed by a write at the ordinary time, and `kept` is reported', async () => {
    const { down, change } = failing();
    const { clock, keeper, events, kinds } = await startKeeper({ change });
    await clock.advance(23 * HOUR_MS);
    down.writes = false;
    await clock.advance(1000);
    expect(kinds().at(-1)).toBe('kept');
    expect(down.attempts).toBe(failures(events).length + 1);
    await clock.advance(Number(keeper.lease.expiresAt) - HOUR_MS - clock.now() - 1);
    expect(kinds().at(-1)).toBe('kept');
  });

  it('may be a repair: the registry is asked again what it holds', async () => {
    let failures = 1;
    const { clock, overwrite, stored, kinds } = await startKeeper({
      change: (registry) => ({
        ...registry,
        readLease: (...args) =>
          failures-- > 0
            ? Promise.reject(new RegistryUnavailableError('etcd is down'))
            : registry.readLease(...args),
      }),
    });
    await overwrite('not JSON');
    expect(kinds()).toEqual(['failing']);
    await clock.advance(1000);
    expect(kinds()).toEqual(['failing', 'repaired', 'kept']);
    expect((await stored())!.attributes).toEqual(attributes);
  });

  it.each([
    ['of a renewal', () => undefined],
    [
      'of what was published before',
      (keeper: LeaseKeeper) => keeper.publish({ ...attributes, backendType: 'udp' }),
    ],
  ])('whose answer was lost is not taken for the write of another daemon: %s', async (_, change) => {
    let answers = false;
    const { clock, keeper, stored, kinds } = await startKeeper({
      change: (registry) => ({
        ...registry,
        updateLease: async (...args) => {
          const lease = await registry.updateLease(...args);
          if (!answers) throw new RegistryUnavailableError('no answer in time');
          return lease;
        },
      }),
    });
    await clock.advance(23 * HOUR_MS);
    answers = true;
    change(keeper);
    await clock.advance(1000);
    expect(new Set(kinds())).toEqual(new Set(['failing', 'kept']));
    expect((await stored())!.revision).toBe(keeper.lease.revision);
  });
});

it('renewals of 100 hosts that started together spread out, none later than the margin', async () => {
  const times: number[] = [];
  for (let host = 0; host < 100; host++) {
    const { clock, keeper, lease } = await startKeeper({ random: () => host / 100 });
    while (keeper.lease.revision === lease.revision) await clock.advance(10 * MINUTE_MS);
    times.push(clock.now());
  }
  expect(Math.max(...times)).toBe(23 * HOUR_MS);
  expect(Math.min(...times)).toBeGreaterThan(20 * HOUR_MS);
  expect(new Set(times).size).toBeGreaterThan(10);
});

describe('new attributes', () => {
  const vxlan = (mac: string) => ({ ...attributes, backendType: 'vxlan', backendData: { VtepMAC: mac } });

  it('are published at once, and stay with the next renewal', async () => {
    const { clock, settle, keeper, stored } = await startKeeper();
    keeper.publish(vxlan('02:00:00:00:00:01'));
    await settle();
    expect((await stored())!.attributes).toEqual(vxlan('02:00:00:00:00:01'));
    await clock.advance(23 * HOUR_MS);
    expect((await stored())!.attributes).toEqual(vxlan('02:00:00:00:00:01'));
    expect((await stored())!.revision).toBe(keeper.lease.revision);
  });

  it('that are equal to those published cost no write', async () => {
    const { settle, keeper, stored, lease } = await startKeeper();
    keeper.publish({ publicIp: { ...attributes.publicIp, ipv6: undefined } });
    await settle();
    expect((await stored())!.revision).toBe(lease.revision);
  });

  it('are tried again with backoff, and the latest win', async () => {
    const { down, change } = failing();
    const { clock, settle, keeper, stored, kinds } = await startKeeper({ change });
    keeper.publish(vxlan('02:00:00:00:00:01'));
    await settle();
    keeper.publish(vxlan('02:00:00:00:00:02'));
    down.writes = false;
    await clock.advance(1000);
    expect((await stored())!.attributes).toEqual(vxlan('02:00:00:00:00:02'));
    expect(kinds().at(-1)).toBe('kept');
  });

  it('win when they come while others are being written', async () => {
    const { clock, keeper, stored } = await startKeeper({
      change: (registry) => ({
        ...registry,
        updateLease: (...args) => {
          keeper.publish(vxlan('02:00:00:00:00:02'));
          return registry.updateLease(...args);
        },
      }),
    });
    keeper.publish(vxlan('02:00:00:00:00:01'));
    await clock.advance(0);
    expect((await stored())!.attributes).toEqual(vxlan('02:00:00:00:00:02'));
  });

  it('may carry another public IP: the lease is ours by its revision', async () => {
    const { settle, keeper, store, stored } = await startKeeper();
    const moved = { publicIp: { ipv4: keeper.lease.attributes.publicIp.ipv4!.offset(10) } };
    keeper.publish(moved);
    await settle();
    expect((await stored())!.attributes).toEqual(moved);
    store.writeEntry(KEY, encodeLeaseAttributes(moved));
    keeper.publish(attributes);
    await settle();
    expect((await stored())!.attributes).toEqual(attributes);
    keeper.publish(moved);
    await settle();
    store.deleteEntry(KEY);
    showRemoved(keeper);
    await settle();
    expect((await stored())!.attributes).toEqual(moved);
  });
});
