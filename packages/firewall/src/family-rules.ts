import { parsePrefix, type Family, type Prefix } from '@flannel-ts/ip';
import { coverHosts } from './cover-hosts.ts';
import {
  checkOverlay,
  DesiredRulesError,
  type Masquerade,
  type Overlay,
  type PacketMark,
  type DesiredRules,
} from './desired-rules.ts';

/** By what rules are known to be of one daemon. */
export interface Ownership {
  readonly networks: readonly Prefix[];
  /** The bridges of {@link DesiredRules.protect}, which rules name that are made before there is an overlay. */
  readonly bridges: readonly string[];
}

/** {@link DesiredRules} for one address family. */
export interface FamilyRules {
  readonly family: Family;
  /** What this firewall's rules name: all other rules belong to daemons of other networks, and stay. */
  readonly owned: Ownership | 'all';
  readonly masquerade?: (Pick<Overlay, 'network' | 'subnet'> & Masquerade) | undefined;
  readonly forward?: Prefix | undefined;
  readonly ingress?: Ingress | undefined;
}

/** What is decided about packets for this host's subnet before other programs' rules see them. */
export interface Ingress {
  readonly network: Prefix;
  /** Of length 0 while no subnet is leased: every address. */
  readonly subnet: Prefix;
  /** Where packets of the overlay come from: by interface, the network or other hosts. */
  readonly sources: readonly IngressSource[];
  /** Accepts what arrives from the overlay; else it only passes by the drops below. */
  readonly accept: boolean;
  readonly mark?: PacketMark | undefined;
  /** What arrives there for the network and from no source above comes from outside. */
  readonly outside?: string | undefined;
  /** The bridge of {@link DesiredRules.protect}. */
  readonly protect?: string | undefined;
}

/** Packets of the overlay, by the interface on which they arrive and where they come from. */
export interface IngressSource {
  readonly interface: string;
  readonly from: readonly Prefix[];
}

const FAMILIES: readonly Family[] = [4, 6];
const ANYWHERE: Readonly<Record<Family, Prefix>> = { 4: parsePrefix('0.0.0.0/0'), 6: parsePrefix('::/0') };

/**
 * Splits rules into both families, desired or not.
 * @param owned - what was served, now or before: rules of it that are not desired go
 * @throws {DesiredRulesError}
 */
export function splitByFamily(desired: DesiredRules, owned: Ownership): FamilyRules[] {
  const { overlays, masquerade, forward } = desired;
  overlays.forEach(checkOverlay);
  return FAMILIES.map((family) => {
    const [overlay, second] = overlays.filter(({ network }) => network.family === family);
    if (second)
      throw new DesiredRulesError(
        'overlays',
        `must have at most one overlay per family, not two of IPv${family}`,
      );
    if (!overlay)
      return { family, owned, ingress: overlays.length === 0 ? closed(family, desired) : undefined };
    const { network, subnet } = overlay;
    return {
      family,
      owned,
      masquerade: masquerade && { network, subnet, ...masquerade },
      forward: forward ? network : undefined,
      ingress: ingressOf(overlay, desired),
    };
  });
}

function ingressOf(overlay: Overlay, desired: DesiredRules): Ingress | undefined {
  const { forward: accept, underlay, acceptMark: mark, protect } = desired;
  const { network, subnet, interfaces = [], hosts = [] } = overlay;
  if (!protect && !(accept && interfaces.length > 0)) return undefined;
  const sources = interfaces.map((name): IngressSource => ({ interface: name, from: [network] }));
  const others = coverHosts(hosts.filter(({ family }) => family === network.family));
  if (underlay && interfaces.includes(underlay) && others.length > 0)
    sources.push({ interface: underlay, from: others });
  const outside = accept && interfaces.length > 0 ? underlay : undefined;
  return { network, subnet, sources, accept, mark, outside, protect: protect?.interface };
}

/** What closes the bridge before there is an overlay. */
function closed(family: Family, { protect }: DesiredRules): Ingress | undefined {
  const anywhere = { network: ANYWHERE[family], subnet: ANYWHERE[family] };
  return protect && { ...anywhere, sources: [], accept: false, protect: protect.interface };
}

/** Whether a prefix is every address, which no rule names. */
export function isAnywhere({ length }: Prefix): boolean {
  return length === 0;
}

/** No rules of either family; those that are owned go. */
export function noRules(owned: FamilyRules['owned']): FamilyRules[] {
  return FAMILIES.map((family) => ({ family, owned }));
}

/** Adds what rules name to what is owned. */
export function ownAlso({ networks, bridges }: Ownership, { overlays, protect }: DesiredRules): Ownership {
  const fresh = overlays.map(({ network }) => network);
  return {
    networks: [...networks, ...fresh.filter((network) => !networks.some((known) => known.equals(network)))],
    bridges: [...new Set([...bridges, ...(protect ? [protect.interface] : [])])],
  };
}

export function isEmpty({ masquerade, forward, ingress }: FamilyRules): boolean {
  return !masquerade && !forward && !ingress;
}

/** What is not to be masqueraded: a multicast source address stays, or no receiver knows its sender. */
export function multicast(family: Family): string {
  return family === 4 ? '224.0.0.0/4' : 'ff00::/8';
}
