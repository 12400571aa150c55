import { parseAddress, parsePrefix } from '@flannel-ts/ip';
import fc from 'fast-check';
import { expect, it } from 'vitest';
import { createRivalry, type Claim } from '../src/rivalry.ts';

/** What hosts lease. */
const SUBNET_LENGTH = 24;

/** Few prefixes, MAC addresses and hosts, so that most claims have rivals. */
const claim: fc.Arbitrary<Claim> = fc
  .record({
    subnet: fc.constantFrom(
      '10.5.0.0/22',
      '10.5.0.0/23',
      '10.5.0.0/24',
      '10.5.1.0/24',
      '10.5.1.8/29',
      '10.5.1.8/30',
    ),
    mac: fc.constantFrom('a', 'b', undefined),
    host: fc.constantFrom('192.0.2.1', '192.0.2.2'),
  })
  .map(({ subnet, mac, host }) => ({
    subnet: parsePrefix(subnet),
    vteps: mac === undefined ? [] : [{ mac, destination: parseAddress(host) }],
  }));

const step = fc.record({
  lease: fc.constantFrom('p', 'q', 'r', 's', 't'),
  claim: fc.option(claim, { nil: undefined }),
});

/** Of two that overlap, the smaller one comes first. */
function rankOf(key: string, { subnet }: Claim): string {
  const isLeased = subnet.length === SUBNET_LENGTH;
  return [isLeased ? 0 : 1, `${32 - subnet.length}`.padStart(2, '0'), key].join();
}

/** The rules, without an index: every lease is compared with every other. */
function yields(lease: string, claims: ReadonlyMap<string, Claim>): boolean {
  const { subnet, vteps } = claims.get(lease)!;
  const others = [...claims].filter(([key]) => key !== lease);
  const comesFirst = ([key, other]: (typeof others)[number]) =>
    other.subnet.overlaps(subnet) && rankOf(key, other) < rankOf(lease, claims.get(lease)!);
  return (
    others.some(comesFirst) ||
    vteps.some(({ mac, destination }) => {
      const holders = [...claims].flatMap(([key, other]) =>
        other.vteps.filter((vtep) => vtep.mac === mac).map((vtep) => ({ key, vtep })),
      );
      const [first] = holders.toSorted((a, b) => (a.key < b.key ? -1 : 1));
      return !first!.vtep.destination.equals(destination);
    })
  );
}

it('names the leases that give way by the rules, and reports all whose reason changes', () => {
  fc.assert(
    fc.property(fc.array(step), (steps) => {
      const rivalry = createRivalry(SUBNET_LENGTH);
      const claims = new Map<string, Claim>();
      const reasons = new Map<string, string | undefined>();
      for (const { lease, claim: claimed } of steps) {
        rivalry.set(lease, claimed);
        if (claimed) claims.set(lease, claimed);
        else claims.delete(lease);
        for (const changed of rivalry.takeChanged()) reasons.set(changed, rivalry.reasonToYield(changed));
        for (const key of claims.keys()) {
          expect(reasons.get(key)).toBe(rivalry.reasonToYield(key));
          expect(reasons.get(key) !== undefined).toBe(yields(key, claims));
        }
      }
    }),
  );
});
