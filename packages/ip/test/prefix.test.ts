import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  Address,
  AddressError,
  parseAddress,
  parseInterfaceAddress,
  parsePrefix,
  Prefix,
  prefixOf,
} from '../src/index.ts';
import { address, prefixes, smallPrefix } from './arbitraries.ts';

/** The model: every address, one by one. */
function addresses(prefix: Prefix): string[] {
  const count = Number(prefix.size);
  return Array.from({ length: count }, (_, index) => String(prefix.network.offset(index)));
}

describe('text', () => {
  it('comes back from every prefix', () => {
    fc.assert(
      fc.property(prefixes(address), (prefix) => {
        expect(parsePrefix(prefix.toString())).toEqual(prefix);
        expect(JSON.stringify({ prefix })).toBe(`{"prefix":"${String(prefix)}"}`);
      }),
      { numRuns: 1000 },
    );
  });

  it('of an address on a network keeps its host bits', () => {
    const { address: own, prefix } = parseInterfaceAddress('10.5.69.1/24');
    expect([String(own), String(prefix)]).toEqual(['10.5.69.1', '10.5.69.0/24']);
  });

  it.each([
    ['10.5.0.0', 'add the prefix length, such as 10.5.0.0/24'],
    ['fc00::', 'add the prefix length, such as fc00::/64'],
    ['010.0.0.0/8', 'leading zeros are octal to some; write 10.0.0.0/8'],
    ['10.5/16', 'write all four parts, such as 10.5.0.0/16'],
    ['10.5', 'write all four parts, such as 10.5.0.0/16'],
    ['10.5.0.300/16', 'want four parts from 0 to 255'],
    ['1.2.3.4/33', 'an IPv4 prefix length is a number from 0 to 32'],
    ['fc00::/129', 'an IPv6 prefix length is a number from 0 to 128'],
    ['10.5.0.0/', 'an IPv4 prefix length is a number from 0 to 32'],
    ['10.5.0.0/016', 'an IPv4 prefix length is a number from 0 to 32'],
    ['10.5.0.0/-1', 'an IPv4 prefix length is a number from 0 to 32'],
    ['10.5.0.0/+8', 'an IPv4 prefix length is a number from 0 to 32'],
    ['10.5.0.0/1e1', 'an IPv4 prefix length is a number from 0 to 32'],
    ['10.5.0.0/16 ', 'an IPv4 prefix length is a number from 0 to 32'],
    ['10.5.0.0/16/16', 'an IPv4 prefix length is a number from 0 to 32'],
    ['10.5.0.0/255.255.0.0', 'an IPv4 prefix length is a number from 0 to 32'],
    [' 10.5.0.0/16', 'remove the white space'],
    ['fe80::1%eth0/64', 'leave out the zone: fe80::1/64'],
    ['::1.2.3/96', 'want for example 10.5.0.0/16 or fc00::/48'],
    ['/16', 'want for example 10.5.0.0/16 or fc00::/48'],
    ['', 'want for example 10.5.0.0/16 or fc00::/48'],
  ])('%j is refused with advice', (text, advice) => {
    for (const parse of [parsePrefix, parseInterfaceAddress]) {
      expect(() => parse(text)).toThrow(AddressError);
      expect(() => parse(text)).toThrow(`${JSON.stringify(text)} is not an IP prefix: ${advice}`);
    }
  });

  it('with host bits is refused with the prefix that was meant', () => {
    expect(() => parsePrefix('10.5.69.1/24')).toThrow(
      '"10.5.69.1/24" has host bits (did you mean 10.5.69.0/24?)',
    );
    expect(() => parsePrefix('fc00::1/64')).toThrow('did you mean fc00::/64?');
  });

  it('of millions of characters is refused in a short message', () => {
    for (const text of ['1'.repeat(1e7), `10.0.0.0/${'9'.repeat(1e7)}`, '/'.repeat(1e7)]) {
      expect(() => parsePrefix(text)).toThrow(/^.{1,200}$/);
    }
  });
});

describe('is equal to a list of its addresses', () => {
  it('for contains and overlaps', () => {
    fc.assert(
      fc.property(smallPrefix, smallPrefix, (a, b) => {
        const [inA, inB] = [addresses(a), addresses(b)];
        const known = new Set(inA);
        expect(a.overlaps(b)).toBe(inB.some((text) => known.has(text)));
        expect(a.contains(b)).toBe(inB.every((text) => known.has(text)));
        expect(a.contains(b.network)).toBe(known.has(String(b.network)));
        expect(a.equals(b)).toBe(inA.join() === inB.join());
      }),
      { numRuns: 2000 },
    );
  });

  it('for size and last', () => {
    fc.assert(
      fc.property(smallPrefix, (prefix) => {
        const all = addresses(prefix);
        expect(prefix.size).toBe(BigInt(all.length));
        expect(String(prefix.last)).toBe(all.at(-1));
      }),
    );
  });

  it('for subnets, which split it without gap or overlap', () => {
    fc.assert(
      fc.property(smallPrefix, fc.nat(8), (prefix, longer) => {
        const length = Math.min(prefix.length + longer, prefix.family === 4 ? 32 : 128);
        const subnets = [...prefix.subnets(length)];
        expect(subnets.every((subnet) => subnet.length === length)).toBe(true);
        expect(subnets.flatMap(addresses)).toEqual(addresses(prefix));
      }),
    );
  });

  it('for the prefix around an address', () => {
    fc.assert(
      fc.property(prefixes(address), address, (prefix, other) => {
        const around = prefixOf(prefix.last, prefix.length);
        expect(around).toEqual(prefix);
        const elsewhere = prefix.family === other.family && prefixOf(other, prefix.length).equals(prefix);
        expect(prefix.contains(other)).toBe(elsewhere);
      }),
    );
  });
});

it('never mixes the families', () => {
  const [four, six] = [parsePrefix('0.0.0.0/0'), parsePrefix('::/0')];
  expect(four.contains(parseAddress('::1'))).toBe(false);
  expect(four.overlaps(six) || four.contains(six) || six.contains(four) || four.equals(six)).toBe(false);
});

it('lists subnets as they are asked for, also when there are 2^64', () => {
  const iterator = parsePrefix('fc00::/64').subnets(128);
  expect([iterator.next().value, iterator.next().value].map(String)).toEqual(['fc00::/128', 'fc00::1/128']);
  expect([...parsePrefix('255.255.255.0/24').subnets(25)].map(String)).toEqual([
    '255.255.255.0/25',
    '255.255.255.128/25',
  ]);
});

it('moves by whole prefixes and stays in the address space', () => {
  expect(String(parsePrefix('10.5.1.0/24').offset(255))).toBe('10.6.0.0/24');
  expect(String(parsePrefix('fc00:0:0:1::/64').offset(-1n))).toBe('fc00::/64');
  expect(() => parsePrefix('255.255.255.0/24').offset(1)).toThrow(RangeError);
  expect(() => parsePrefix('0.0.0.0/8').offset(-1)).toThrow(RangeError);
  expect(() => parsePrefix('0.0.0.0/0').offset(1)).toThrow(RangeError);
});

it('has a length that fits, and no host bits', () => {
  const network = parseAddress('10.5.1.0');
  for (const length of [-1, 33, 1.5, NaN]) {
    expect(() => new Prefix(network, length)).toThrow(`/${length} is no IPv4 prefix length`);
    expect(() => prefixOf(network, length)).toThrow(RangeError);
    expect(() => [...parsePrefix('10.5.1.0/24').subnets(length)]).toThrow(RangeError);
  }
  expect(() => [...parsePrefix('10.5.1.0/24').subnets(23)]).toThrow('/23 subnets do not fit 10.5.1.0/24');
  expect(() => new Prefix(network, 23)).toThrow('10.5.1.0/23 has host bits');
});

it('cannot be changed', () => {
  const prefix = new Prefix(new Address(4, 0n), 0);
  expect(() => Object.assign(prefix, { length: 1 })).toThrow(TypeError);
});
