import {
  familyBits,
  parseAddress,
  parsePrefix,
  parseSubnetKey,
  prefixOf,
  type Address,
  type Prefix,
} from '@flannel-ts/ip';
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

/** Leases of any length from `shortest` on, around one of the addresses 0 to 255 behind `base`. */
function leasesIn(base: Address, shortest: number): fc.Arbitrary<Prefix[]> {
  const lease = fc
    .record({ host: fc.nat(255), longer: fc.nat(familyBits(base.family) - shortest) })
    .map(({ host, longer }) => prefixOf(base.offset(host), shortest + longer));
  return fc.array(lease, { maxLength: 24 });
}

it('agrees with a search by hand, for both families, narrowed ranges and leases of all lengths', () => {
  const both = config({
    ...{ Network: '10.5.0.0/24', SubnetLen: 28, SubnetMin: '10.5.0.32', SubnetMax: '10.5.0.208' },
    ...{ EnableIPv6: true, IPv6Network: 'fc00::/120', IPv6SubnetLen: 123, IPv6SubnetMin: 'fc00::' },
  });
  const fours = [...parsePrefix('10.5.0.0/24').subnets(28)].slice(2, 14);
  const sixes = [...parsePrefix('fc00::/120').subnets(123)];
  fc.assert(
    fc.property(
      leasesIn(parseAddress('10.5.0.0'), 22),
      leasesIn(parseAddress('fc00::'), 118),
      fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true }),
      (takenFours, takenSixes, random) => {
        const isFree = (subnet: Prefix) =>
          ![...takenFours, ...takenSixes].some((other) => other.overlaps(subnet));
        const free = [fours.filter(isFree), sixes.filter(isFree)] as const;
        const taken = [...takenFours.map((ipv4) => ({ ipv4 })), ...takenSixes.map((ipv6) => ({ ipv6 }))];
        const choices = Math.min(...free.map(({ length }) => length));
        if (choices === 0) {
          expect(() => allocateSubnets(both, taken, () => random)).toThrow(OutOfSubnetsError);
          return;
        }
        const { ipv4, ipv6 } = allocateSubnets(both, taken, () => random);
        const rank = Math.floor(random * choices);
        expect([ipv4, ipv6].map(String)).toEqual(free.map((subnets) => String(subnets[rank])));
      },
    ),
    { numRuns: 2000 },
  );
});

it('says which network is full', () => {
  const taken = [parseSubnetKey('0.0.0.0-0&fc00::-16')];
  const both = config({ Network: '10.5.0.0/16', EnableIPv6: true, IPv6Network: 'fc00::/48' });
  try {
    allocateSubnets(both, taken, Math.random);
    expect.unreachable();
  } catch (error) {
    expect(String((error as OutOfSubnetsError).network)).toBe('fc00::/48');
  }
});

it('comes to an end behind a lease of more subnets than can be counted', () => {
  const deep = config({ EnableIPv4: false, EnableIPv6: true, IPv6Network: 'fc00::/16', IPv6SubnetLen: 126 });
  const allocate = (key: string) => allocateSubnets(deep, [parseSubnetKey(`0.0.0.0-0&${key}`)], () => 0);
  expect(String(allocate('fc00:0:0:1::-64').ipv6)).toBe('fc00::4/126');
  expect(() => allocate('fc00::-20')).toThrow(OutOfSubnetsError);
});

it('takes time linear in the leases: 60,000 of them, far below what comparing each with each takes', () => {
  const wide = config({ Network: '10.0.0.0/8' });
  const first = parsePrefix('10.0.1.0/24');
  const taken = Array.from({ length: 60_000 }, (_, index) => ({ ipv4: first.offset(index) }));
  const before = process.cpuUsage();
  const { ipv4 } = allocateSubnets(wide, taken, () => 0);
  const { user, system } = process.cpuUsage(before);
  expect((user + system) / 1_000).toBeLessThan(2_000);
  expect(String(ipv4)).toBe('10.234.97.0/24');
});

it('spreads over the whole range', () => {
  const wide = config({ Network: '10.0.0.0/8' });
  expect(String(allocateSubnets(wide, [], () => 0.9999999).ipv4)).toBe('10.255.255.0/24');
});
