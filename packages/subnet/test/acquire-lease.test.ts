import { parseAddress, parseSubnetKey } from '@flannel-ts/ip';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  acquireLease,
  encodeLeaseAttributes,
  leaseKey,
  OutOfSubnetsError,
  parseNetworkConfig,
  type AcquireOptions,
  type Lease,
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

it('keeps the subnet that it holds when its address has changed, and only while no one else has written it', async () => {
  const { acquire, store, log } = setUp();
  const held = await acquire(host(1));
  const moved = await acquire(host(2, { held }));
  expect(leaseKey(moved)).toBe(leaseKey(held));
  expect(moved.attributes).toEqual(host(2).attributes);
  const { attributes } = host(3);
  await store.open({ log }).updateLease(moved, { attributes, ttlMs: DAY_MS });
  expect(leaseKey(await acquire(host(4, { held: moved })))).not.toBe(leaseKey(held));
});

it('takes no lease of another host that has the version of the held one after a restore', async () => {
  const { acquire, store, log } = setUp();
  const held = await acquire(host(1));
  store.writeEntry(leaseKey(held), '{"PublicIP":"192.0.0.3"}');
  const registry = store.open({ log });
  const { revision } = (await registry.readLease(held.subnets))!;
  const lease = await acquire(host(1, { held: { ...held, revision } }));
  expect(leaseKey(lease)).not.toBe(leaseKey(held));
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

it('takes the subnet that subnet.env names out of several leases with our public IP', async () => {
  const { store, log, acquire } = setUp();
  const registry = store.open({ log });
  const { attributes } = host(1);
  for (const key of ['10.5.7.0-24', '10.5.77.0-24', '10.5.8.0-24']) {
    await registry.createLease({ subnets: parseSubnetKey(key), attributes, ttlMs: DAY_MS });
  }
  expect(leaseKey(await acquire(host(1, { previous: parseSubnetKey('10.5.77.0-24') })))).toBe('10.5.77.0-24');
  expect(leaseKey(await acquire(host(1, { previous: parseSubnetKey('10.5.9.0-24') })))).toBe('10.5.7.0-24');
});

it('keeps its subnet when its address of a family changes that is not enabled', async () => {
  const { acquire, store } = setUp();
  store.writeEntry('10.5.8.0-24', '{"PublicIP":"192.0.0.1","PublicIPv6":"2001:db8::1"}');
  const publicIp = { ...host(1).attributes.publicIp, ipv6: parseAddress('2001:db8::2') };
  expect(leaseKey(await acquire(host(1, { attributes: { publicIp } })))).toBe('10.5.8.0-24');
});

it('is another host when one of its addresses of two enabled families differs', async () => {
  const { acquire, store } = setUp();
  const config = dualStack('10.5.255.0');
  store.writeEntry('10.5.8.0-24&fc00:0:0:8::-64', '{"PublicIP":"192.0.0.1","PublicIPv6":"2001:db8::1"}');
  const publicIp = { ...host(1).attributes.publicIp, ipv6: parseAddress('2001:db8::2') };
  const lease = await acquire(host(1, { config, attributes: { publicIp } }));
  expect(leaseKey(lease)).not.toBe('10.5.8.0-24&fc00:0:0:8::-64');
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

describe('a reservation', () => {
  const vxlan = {
    publicIp: { ipv4: parseAddress('192.0.0.1') },
    backendType: 'vxlan',
    backendData: { VNI: 1, VtepMAC: '02:00:00:00:00:01' },
  };

  it('that an operator wrote in advance gets all that peers need, and no time to live', async () => {
    const { acquire, store, log } = setUp();
    store.writeEntry('10.5.8.0-24', '{"PublicIP":"192.0.0.1"}');
    await acquire(host(1, { attributes: vxlan }));
    const [stored] = await store.open({ log }).readLeases();
    expect(stored).toMatchObject({ subnets: parseSubnetKey('10.5.8.0-24'), expiresAt: undefined });
    expect(encodeLeaseAttributes(stored!.attributes)).toBe(encodeLeaseAttributes(vxlan));
  });

  it('goes before a lease of the same host, and before its previous subnet', async () => {
    const { acquire, store } = setUp();
    await acquire(host(1, { previous: parseSubnetKey('10.5.1.0-24') }));
    store.writeEntry('10.5.8.0-24', '{"PublicIP":"192.0.0.1"}');
    const lease = await acquire(host(1, { previous: parseSubnetKey('10.5.1.0-24') }));
    expect(leaseKey(lease)).toBe('10.5.8.0-24');
  });

  it('that subnet.env names goes before other reservations of the same host', async () => {
    const { acquire, store } = setUp();
    for (const key of ['10.5.8.0-24', '10.5.9.0-24']) store.writeEntry(key, '{"PublicIP":"192.0.0.1"}');
    const lease = await acquire(host(1, { previous: parseSubnetKey('10.5.9.0-24') }));
    expect(leaseKey(lease)).toBe('10.5.9.0-24');
  });

  it('of another host is not taken, not even as the previous subnet', async () => {
    const { acquire, store } = setUp();
    store.writeEntry('10.5.8.0-24', '{"PublicIP":"192.0.0.2"}');
    const two = {
      config: parseNetworkConfig('{"Network":"10.5.8.0/22","SubnetMin":"10.5.8.0","SubnetMax":"10.5.9.0"}'),
    };
    const lease = await acquire(host(1, { ...two, previous: parseSubnetKey('10.5.8.0-24') }));
    expect(leaseKey(lease)).toBe('10.5.9.0-24');
  });

  it('that does not fit the config is left alone with a warning, and its addresses stay taken', async () => {
    const { acquire, store, log } = setUp();
    store.writeEntry('10.5.8.0-23', '{"PublicIP":"192.0.0.1"}');
    const tight = { config: parseNetworkConfig('{"Network":"10.5.8.0/22","SubnetMin":"10.5.8.0"}') };
    const lease = await acquire(host(1, tight));
    expect(leaseKey(lease)).toMatch(/^10\.5\.1[01]\.0-24$/);
    expect(log.entries.filter(({ level }) => level === 'warn')).toMatchObject([
      { facts: { lease: '10.5.8.0-23' } },
    ]);
    expect((await store.open({ log }).readLeases()).length).toBe(2);
  });
});

describe('a changed network config', () => {
  it('frees the addresses of our old lease for the new one', async () => {
    const { acquire } = setUp();
    const only = (SubnetLen: number) =>
      parseNetworkConfig(
        JSON.stringify({ Network: '10.5.0.0/16', SubnetLen, SubnetMin: '10.5.4.0', SubnetMax: '10.5.4.0' }),
      );
    expect(leaseKey(await acquire(host(1, { config: only(24) })))).toBe('10.5.4.0-24');
    expect(leaseKey(await acquire(host(1, { config: only(25) })))).toBe('10.5.4.0-25');
  });

  it('to another network makes us forget the old lease and the previous subnet', async () => {
    const { acquire, store, log } = setUp();
    const old = await acquire(host(1));
    const moved = parseNetworkConfig('{"Network":"10.6.0.0/16"}');
    const lease = await acquire(host(1, { config: moved, previous: old.subnets }));
    expect((await store.open({ log }).readLeases()).map(leaseKey)).toEqual([leaseKey(lease)]);
    expect(leaseKey(lease)).toMatch(/^10\.6\./);
  });

  it('to both families replaces a lease of one', async () => {
    const { acquire } = setUp();
    await acquire(host(1));
    const both = await acquire(host(1, { config: dualStack('10.5.255.0') }));
    expect(leaseKey(both)).toMatch(/^10\.5\.\d+\.0-24&fc00:/);
    const four = await acquire(host(1));
    expect(leaseKey(four)).toMatch(/^10\.5\.\d+\.0-24$/);
  });
});

function dualStack(SubnetMax: string) {
  return parseNetworkConfig(
    JSON.stringify({ Network: '10.5.0.0/16', SubnetMax, EnableIPv6: true, IPv6Network: 'fc00::/48' }),
  );
}

/** No two leases have an address in common. */
function expectApart(leases: readonly Lease[]): void {
  for (const family of ['ipv4', 'ipv6'] as const) {
    const prefixes = leases.map(({ subnets }) => subnets[family]).filter((prefix) => prefix !== undefined);
    for (const [index, prefix] of prefixes.entries()) {
      expect(prefixes.slice(index + 1).filter((other) => other.overlaps(prefix))).toEqual([]);
    }
  }
}

it('gives 60 hosts that start at once both families, although only IPv4 is scarce', async () => {
  const { acquire } = setUp();
  const config = dualStack('10.5.60.0');
  const leases = await Promise.all(
    Array.from({ length: 60 }, (_, index) => acquire(host(index, { config }))),
  );
  expect(leases.length).toBe(60);
  expectApart(leases);
});

it('gives way when another program took a part of its subnets at the same time', async () => {
  const { acquire, store, log } = setUp();
  const registry = store.open({ log });
  let rivals = 1;
  const contested: Registry = {
    ...registry,
    createLease: async (request) => {
      if (rivals-- > 0) {
        store.writeEntry(
          `${leaseKey(request).split('&')[0]!}&fc00:0:0:ffff::-64`,
          '{"PublicIP":"192.0.0.9"}',
        );
      }
      return registry.createLease(request);
    },
  };
  await acquire(host(1, { config: dualStack('10.5.9.0') }), contested);
  const leases = await registry.readLeases();
  expect(leases.length).toBe(2);
  expectApart(leases);
});

it('gives way when an operator reserved a wider subnet between reading and writing', async () => {
  const { acquire, store, log } = setUp();
  const registry = store.open({ log });
  const contested: Registry = {
    ...registry,
    createLease: async (request) => {
      store.writeEntry('10.5.4.0-22', '{"PublicIP":"192.0.0.9"}');
      return registry.createLease(request);
    },
  };
  const lease = await acquire(host(1, { previous: parseSubnetKey('10.5.5.0-24') }), contested);
  const leases = await registry.readLeases();
  expect(leases.map(leaseKey).sort()).toEqual(['10.5.4.0-22', leaseKey(lease)].sort());
  expectApart(leases);
});

it('takes no part of an entry that no one can read, which the registry could not refuse', async () => {
  const { acquire, store, log } = setUp();
  for (let block = 1; block <= 8; block++) {
    store.writeEntry(`10.5.${block}.0-24&fc00:0:0:f${block}::-64`, 'not JSON');
  }
  const registry = store.open({ log });
  const created: string[] = [];
  const watched: Registry = {
    ...registry,
    createLease: (request) => (created.push(leaseKey(request)), registry.createLease(request)),
  };
  const lease = await acquire(host(1, { config: dualStack('10.5.9.0') }), watched);
  expect(leaseKey(lease)).toMatch(/^10\.5\.9\.0-24&/);
  expect(created).toEqual([leaseKey(lease)]);
});

it('is out of subnets when the rest is entries that no one can read', async () => {
  const { acquire, store } = setUp();
  for (const key of ['10.5.1.0-24', '10.5.2.0-24']) store.writeEntry(key, 'not JSON');
  store.writeEntry('10.5.3.0-24', '{"PublicIP":"192.0.0.9"}');
  const three = parseNetworkConfig('{"Network":"10.5.0.0/22","SubnetMin":"10.5.1.0"}');
  await expect(acquire(host(1, { config: three }))).rejects.toThrow(OutOfSubnetsError);
});

it('ends with its signal', async () => {
  const { acquire } = setUp();
  const reason = new Error('stopped');
  await expect(acquire(host(1, { signal: AbortSignal.abort(reason) }))).rejects.toBe(reason);
});

it('keeps all hosts apart and within the range, whatever is there, and gives the last subnet too', async () => {
  const small = parseNetworkConfig('{"Network":"10.5.0.0/24","SubnetLen":28}');
  const entry = fc
    .record({ block: fc.nat(63), length: fc.constantFrom(26, 27, 28, 29, 30), host: fc.nat(200) })
    .map(({ block, length, host: number }) => {
      const size = 2 ** (32 - length);
      return [`10.5.0.${Math.floor((block * 4) / size) * size}-${length}`, number] as const;
    });
  await fc.assert(
    fc.asyncProperty(
      fc.array(entry, { maxLength: 8 }),
      fc.integer({ min: 1, max: 18 }),
      async (old, starters) => {
        const { acquire, store, log } = setUp();
        for (const [key, number] of old) store.writeEntry(key, `{"PublicIP":"198.51.100.${number}"}`);
        const before = await store.open({ log }).readLeases();
        const isFree = (index: number) =>
          !before.some((lease) =>
            lease.subnets.ipv4!.overlaps(parseSubnetKey(`10.5.0.${index * 16}-28`).ipv4!),
          );
        const free = Array.from({ length: 15 }, (_, index) => index + 1).filter(isFree).length;
        const results = await Promise.allSettled(
          Array.from({ length: starters }, (_, index) => acquire(host(index, { config: small }))),
        );
        const leases = results.filter((result) => result.status === 'fulfilled').map(({ value }) => value);
        expect(leases.length).toBe(Math.min(free, starters));
        for (const result of results) {
          if (result.status === 'rejected') expect(result.reason).toBeInstanceOf(OutOfSubnetsError);
        }
        for (const { subnets } of leases) {
          expect(small.ipv4!.network.contains(subnets.ipv4!) && subnets.ipv4!.length === 28).toBe(true);
          expect(before.filter((lease) => lease.subnets.ipv4!.overlaps(subnets.ipv4!))).toEqual([]);
        }
        expectApart(leases);
      },
    ),
  );
});
