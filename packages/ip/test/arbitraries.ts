// Addresses and prefixes for property tests, with many zero groups, as real ones have.
import fc from 'fast-check';
import { Address, familyBits, prefixOf, type Family, type Prefix } from '../src/index.ts';

export const ipv4 = fc.bigInt({ min: 0n, max: 2n ** 32n - 1n }).map((value) => new Address(4, value));

const group = fc.oneof({ weight: 2, arbitrary: fc.constant(0) }, fc.nat(0xffff));
export const ipv6 = fc.array(group, { minLength: 8, maxLength: 8 }).map(
  (groups) =>
    new Address(
      6,
      groups.reduce((value, part) => (value << 16n) | BigInt(part), 0n),
    ),
);

export const address = fc.oneof(ipv4, ipv6);

/** Prefixes around `addresses`, of `shortest` bits or more. */
export function prefixes(addresses: fc.Arbitrary<Address>, shortest = 0): fc.Arbitrary<Prefix> {
  return addresses.chain((value) =>
    fc.integer({ min: shortest, max: familyBits(value.family) }).map((length) => prefixOf(value, length)),
  );
}

/** Prefixes within the last byte of one /24 or /120, so that a model can list their addresses. */
export const smallPrefix = fc
  .tuple(fc.constantFrom<Family>(4, 6), fc.nat(255), fc.integer({ min: 0, max: 8 }))
  .map(([family, host, hostBits]) =>
    prefixOf(new Address(family, 0x0a_05_01_00n + BigInt(host)), familyBits(family) - hostBits),
  );
