import { parseAddress, parseSubnetKey } from '@flannel-ts/ip';
import { expect, it } from 'vitest';
import {
  acquireLease,
  leaseKey,
  parseNetworkConfig,
  type AcquireOptions,
  type Registry,
} from '../src/index.ts';
import { createFakeClock, createMemoryStore, createRecordingLog } from '../src/testing/index.ts';

const DAY_MS = 24 * 60 * 60 * 1000;
const config = parseNetworkConfig('{"Network":"10.5.0.0/16"}');

function host(number: number, options: Partial<AcquireOptions> = {}): AcquireOptions {
  const publicIp = { ipv4: parseAddress(`192.0.${number >> 8}.${number & 255}`) };
  return { config, attributes: { publicIp }, ttlMs: DAY_MS, ...options };
}

function setUp() {
  const store = createMemoryStore(createFakeClock());
  const log = createRecordingLog();
  const acquire = (options: AcquireOptions, registry: Registry = store.open({ log })) =>
    acquireLease({ registry, log, random: Math.random }, options);
  return { store, log, acquire };
}

it('takes over the lease with our public IP', async () => {
  const { acquire } = setUp();
  const first = await acquire(host(1));
  const again = await acquire(host(1, { attributes: { ...host(1).attributes, backendType: 'vxlan' } }));
  expect(leaseKey(again)).toBe(leaseKey(first));
  expect(again.attributes.backendType).toBe('vxlan');
});

it('gives up a lease that does not fit the config any more', async () => {
  const { acquire, store, log } = setUp();
  const old = await acquire(host(1));
  const narrow = parseNetworkConfig('{"Network":"10.6.0.0/16"}');
  const lease = await acquire(host(1, { config: narrow }));
  expect(leaseKey(lease)).toMatch(/^10\.6\./);
  expect((await store.open({ log }).readLeases()).map(leaseKey)).not.toContain(leaseKey(old));
});

it('takes the previous subnet when it is free, else another', async () => {
  const { acquire } = setUp();
  const previous = parseSubnetKey('10.5.77.0-24');
  expect(leaseKey(await acquire(host(1, { previous })))).toBe('10.5.77.0-24');
  expect(leaseKey(await acquire(host(2, { previous })))).not.toBe('10.5.77.0-24');
});

it('ignores a previous subnet outside the range', async () => {
  const { acquire } = setUp();
  const lease = await acquire(host(1, { previous: parseSubnetKey('10.9.1.0-24') }));
  expect(leaseKey(lease)).toMatch(/^10\.5\./);
});

it('uses a reservation and leaves it one', async () => {
  const { acquire, store } = setUp();
  store.writeEntry('10.5.8.0-24', '{"PublicIP":"192.0.0.1"}');
  const lease = await acquire(host(1));
  expect(leaseKey(lease)).toBe('10.5.8.0-24');
  expect(lease.expiresAt).toBe(undefined);
});

it('gives 100 hosts that start at once 100 subnets, and the 101st none', async () => {
  const { acquire } = setUp();
  const full = parseNetworkConfig(
    '{"Network":"10.5.0.0/16","SubnetMin":"10.5.1.0","SubnetMax":"10.5.100.0"}',
  );
  const previous = parseSubnetKey('10.5.7.0-24');
  const leases = await Promise.all(
    Array.from({ length: 100 }, (_, index) =>
      acquire(host(index, { config: full, ...(index < 2 && { previous }) })),
    ),
  );
  expect(new Set(leases.map(leaseKey)).size).toBe(100);
  await expect(acquire(host(101, { config: full }))).rejects.toThrow(/^out of subnets$/);
});

it('looks again when its lease changes between reading and writing', async () => {
  const { acquire, store, log } = setUp();
  await acquire(host(1));
  const registry = store.open({ log });
  let interfered = false;
  const racing: Registry = {
    ...registry,
    readLeases: async () => {
      const leases = await registry.readLeases();
      if (!interfered)
        await registry.updateLease(leases[0]!, { attributes: leases[0]!.attributes, ttlMs: DAY_MS });
      interfered = true;
      return leases;
    },
  };
  await acquire(host(1), racing);
  expect((await registry.readLeases()).length).toBe(1);
});
