import { parsePrefix } from '@flannel-ts/ip';
import { ownAlso, splitByFamily, type FamilyRules } from '../../src/family-rules.ts';
import type { DesiredRules } from '../../src/desired-rules.ts';

const network = parsePrefix('10.5.0.0/16');
const networkIPv6 = parsePrefix('fc00::/48');

/** Where packets of the overlay arrive, as with host-gw. */
const interfaces = ['eth0'];

/** Everything desired in both families, for the host with the subnets 10.5.X.0/24 and fc00:0:0:X::/64. */
export function desiredRules(number: number, change: Partial<DesiredRules> = {}): DesiredRules {
  return {
    overlays: [
      { network, subnet: parsePrefix(`10.5.${number}.0/24`), interfaces },
      { network: networkIPv6, subnet: parsePrefix(`fc00:0:0:${number}::/64`), interfaces },
    ],
    masquerade: { fullyRandom: true },
    forward: true,
    ...change,
  };
}

/** {@link desiredRules} of one family. */
export function familyRules(family: 4 | 6, change: Partial<DesiredRules> = {}): FamilyRules {
  const rules = desiredRules(1, change);
  const owned = ownAlso({ networks: [], bridges: [] }, rules);
  return splitByFamily(rules, owned).find((split) => split.family === family)!;
}
