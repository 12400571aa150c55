import { parsePrefix, parseSubnetKey } from '@flannel-ts/ip';
import fc from 'fast-check';
import { expect, it } from 'vitest';
import { allocateSubnets, OutOfSubnetsError, parseNetworkConfig } from '../src/index.ts';

const config = (network: object) => parseNetworkConfig(JSON.stringify(network));

it('never gives a subnet that overlaps a lease or leaves the range, and finds the last one', () => {
  const small = config({ Network: '10.5.0.0/24', SubnetLen: 28 });
  const lease = fc
    .record({ host: fc.nat(255), length: fc.integer({ min: 26, max: 30 }) })
    .map(({ host, length }) => {
      const size = 2 ** (32 - length);
      return parsePrefix(`10.5.0.${Math.floor(host / size) * size}/${length}`);
    });
  fc.assert(
    fc.property(
      fc.array(lease, { maxLength: 20 }),
      fc.double({ min: 0, max: 0.999, noNaN: true }),
      (taken, random) => {
        const free = [...parsePrefix('10.5.0.0/24').subnets(28)]
          .slice(1)
          .filter((subnet) => !taken.some((other) => other.overlaps(subnet)));
        const allocate = () =>
          allocateSubnets(
            small,
            taken.map((ipv4) => ({ ipv4 })),
            () => random,
          );
        if (free.length === 0) expect(allocate).toThrow(OutOfSubnetsError);
        else expect(free.map(String)).toContain(String(allocate().ipv4));
      },
    ),
    { numRuns: 1000 },
  );
});

it('is out of subnets in upstream’s words', () => {
  const four = config({ Network: '10.5.0.0/16', SubnetLen: 18 });
  const taken = ['10.5.64.0-18', '10.5.128.0-17'].map(parseSubnetKey);
  expect(() => allocateSubnets(four, taken, Math.random)).toThrow(/^out of subnets$/);
});

it('gives both families, also where candidates cannot be counted', () => {
  const both = config({
    Network: '10.5.0.0/16',
    EnableIPv6: true,
    IPv6Network: 'fc00::/16',
    IPv6SubnetLen: 126,
  });
  const { ipv4, ipv6 } = allocateSubnets(both, [parseSubnetKey('10.5.1.0-24&fc00::4-126')], () => 0);
  expect([String(ipv4), String(ipv6)]).toEqual(['10.5.2.0/24', 'fc00::8/126']);
});

it('spreads over the whole range', () => {
  const wide = config({ Network: '10.0.0.0/8' });
  expect(String(allocateSubnets(wide, [], () => 0.9999999).ipv4)).toBe('10.255.255.0/24');
});
