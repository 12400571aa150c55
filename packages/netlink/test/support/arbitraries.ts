import { Address, familyBits, prefixOf, type Family } from '@flannel-ts/ip';
import fc from 'fast-check';
import type { FdbEntry, LinkAddress, Neighbour, NewRoute, Scope } from '../../src/index.ts';

const linkIndex = fc.integer({ min: 1, max: 0x7fffffff });
const scope = fc.constantFrom<Scope>('global', 'site', 'link', 'host', 'nowhere');
const family = fc.constantFrom<Family>(4, 6);
const permanent = fc.boolean();
const mac = fc
  .uint8Array({ minLength: 6, maxLength: 6 })
  .map((bytes) => [...bytes].map((byte) => byte.toString(16).padStart(2, '0')).join(':'));

function addressOf(of: Family): fc.Arbitrary<Address> {
  return fc
    .bigInt({ min: 0n, max: (1n << BigInt(familyBits(of))) - 1n })
    .map((value) => new Address(of, value));
}

const address = family.chain(addressOf);

export const linkAddress: fc.Arbitrary<LinkAddress> = address.chain((value) =>
  fc.record({
    linkIndex,
    address: fc.constant(value),
    prefixLength: fc.integer({ min: 0, max: familyBits(value.family) }),
    scope,
  }),
);

export const route: fc.Arbitrary<NewRoute> = address.chain((destination) =>
  fc.record({
    destination: fc
      .integer({ min: 0, max: familyBits(destination.family) })
      .map((length) => prefixOf(destination, length)),
    kind: fc.constantFrom('unicast', 'blackhole', 'local', 'broadcast', 'multicast'),
    linkIndex: fc.option(linkIndex, { nil: undefined }),
    gateway: fc.option(addressOf(destination.family), { nil: undefined }),
    source: fc.option(addressOf(destination.family), { nil: undefined }),
    onlink: fc.boolean(),
    scope,
    table: fc.integer({ min: 1, max: 0xffffffff }),
    protocol: fc.integer({ min: 0, max: 255 }),
    metric: fc.option(fc.integer({ min: 0, max: 0xffffffff }), { nil: undefined }),
    multipath: fc.constant(false),
  }),
);

export const neighbour: fc.Arbitrary<Neighbour> = fc.record({
  linkIndex,
  address,
  mac: fc.option(mac, { nil: undefined }),
  permanent,
});

export const fdbEntry: fc.Arbitrary<FdbEntry> = fc.record({
  linkIndex,
  mac,
  destination: fc.option(address, { nil: undefined }),
  permanent,
});
