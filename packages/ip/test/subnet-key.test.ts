import fc from 'fast-check';
import { expect, it } from 'vitest';
import { AddressError, formatSubnetKey, parsePrefix, parseSubnetKey } from '../src/index.ts';
import { ipv4, ipv6, prefixes } from './arbitraries.ts';

it.each([
  ['10.5.1.0-24', { ipv4: '10.5.1.0/24' }],
  ['10.5.2.0-24&fc00:0:0:62::-64', { ipv4: '10.5.2.0/24', ipv6: 'fc00:0:0:62::/64' }],
  ['0.0.0.0-0&fc00:0:0:62::-64', { ipv6: 'fc00:0:0:62::/64' }],
])('%s is upstream’s', (key, texts) => {
  const subnets = Object.fromEntries(
    Object.entries(texts).map(([family, text]) => [family, parsePrefix(text)]),
  );
  expect(formatSubnetKey(subnets)).toBe(key);
  expect(parseSubnetKey(key)).toEqual(subnets);
});

it('comes back from all subnets', () => {
  const four = prefixes(ipv4, 1);
  const six = prefixes(ipv6, 1);
  const pair = fc.oneof(
    fc.record({ ipv4: four }),
    fc.record({ ipv6: six }),
    fc.record({ ipv4: four, ipv6: six }),
  );
  fc.assert(
    fc.property(pair, (subnets) => {
      expect(parseSubnetKey(formatSubnetKey(subnets))).toEqual(subnets);
    }),
  );
});

it('has one spelling only', () => {
  const near = fc.array(
    fc.constantFrom('10.5.1.0', '0.0.0.0', 'fc00::', 'FC00::', '-', '&', '24', '64', '0'),
  );
  fc.assert(
    fc.property(
      near.map((parts) => parts.join('')),
      (key) => {
        try {
          expect(formatSubnetKey(parseSubnetKey(key))).toBe(key);
        } catch (error) {
          expect(error).toBeInstanceOf(AddressError);
        }
      },
    ),
    { numRuns: 2000 },
  );
});

it.each([
  ['', 'want 10.5.1.0-24 in place of ""'],
  ['config', 'want 10.5.1.0-24 in place of "config"'],
  ['10.5.1.0/24', 'want 10.5.1.0-24 in place of "10.5.1.0/24"'],
  ['10.5.9.7-24', 'want 10.5.9.0-24 in place of "10.5.9.7-24"'],
  ['10.5.1.0-33', 'want 10.5.1.0-24 in place of "10.5.1.0-33"'],
  ['10.5.1.0-024', 'want 10.5.1.0-24 in place of "10.5.1.0-024"'],
  ['0.0.0.0-0', 'want 10.5.1.0-24 in place of "0.0.0.0-0"'],
  ['fc00::-64', 'want 10.5.1.0-24 in place of "fc00::-64"'],
  ['10.5.1.0-24&', 'want fc00:0:0:62::-64 in place of ""'],
  ['10.5.1.0-24&::-0', 'want fc00:0:0:62::-64 in place of "::-0"'],
  ['10.5.1.0-24&10.5.2.0-24', 'want fc00:0:0:62::-64 in place of "10.5.2.0-24"'],
  ['10.5.1.0-24&FC00:0:0:9:0::-64', 'want fc00:0:0:9::-64 in place of "FC00:0:0:9:0::-64"'],
  ['10.5.1.0-24&fc00::1-64', 'want fc00::-64 in place of "fc00::1-64"'],
  ['10.5.1.0-24&fc00::-64&', 'more than one "&"'],
  ['-'.repeat(1e6), 'want 10.5.1.0-24 in place of'],
])('%j is refused', (key, advice) => {
  expect(() => parseSubnetKey(key)).toThrow(AddressError);
  expect(() => parseSubnetKey(key)).toThrow(`is not a subnet key: ${advice}`);
  expect(() => parseSubnetKey(key)).toThrow(/^.{1,250}$/);
});

it('is not written for no subnet', () => {
  for (const subnets of [{}, { ipv4: parsePrefix('0.0.0.0/0') }, { ipv6: parsePrefix('::/0') }]) {
    expect(() => formatSubnetKey(subnets)).toThrow(RangeError);
  }
});
