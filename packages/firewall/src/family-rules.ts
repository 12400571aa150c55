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

/** {@link DesiredRules} for one address family. */
export interface FamilyRules {
  readonly family: Family;
  /** Networks whose rules are this firewall's: all others belong to daemons of other networks, and stay. */
  readonly owned: readonly Prefix[] | 'all';
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
 * @param former - networks that were served before, whose rules go
 * @throws {DesiredRulesError}
 */
export function splitByFamily(desired: DesiredRules, former: readonly Prefix[] = []): FamilyRules[] {
  const { overlays, masquerade, forward } = desired;
  overlays.forEach(checkOverlay);
  return FAMILIES.map((family) => {
    const [overlay, second] = overlays.filter(({ network }) => network.family === family);
    if (second) throw new DesiredRulesError('overlays', `has two IPv${family} overlays; want one per family`);
    const owned = former.filter((network) => network.family === family);
    if (!overlay)
      return { family, owned, ingress: overlays.length === 0 ? closed(family, desired) : undefined };
    const { network, subnet } = overlay;
    return {
      family,
      owned: [...owned, network],
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

/** No rules of either family; those of `networks` go, or of every network. */
export function noRules(networks?: readonly Prefix[]): FamilyRules[] {
  return FAMILIES.map((family) => ({
    family,
    owned: networks?.filter((network) => network.family === family) ?? 'all',
  }));
}

export function isEmpty({ masquerade, forward, ingress }: FamilyRules): boolean {
  return !masquerade && !forward && !ingress;
}

/** What is not to be masqueraded: a multicast source address stays, or no receiver knows its sender. */
export function multicast(family: Family): string {
  return family === 4 ? '224.0.0.0/4' : 'ff00::/8';
}
