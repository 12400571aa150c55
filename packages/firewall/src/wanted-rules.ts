import type { Address, Family, Prefix } from '@flannel-ts/ip';
import { coverHosts } from './cover-hosts.ts';

/** The rules of one host, whole: rules of its networks that are not desired are removed. */
export interface WantedRules {
  /** At most one of each address family. */
  readonly overlays: readonly Overlay[];
  /** Masquerades what leaves the overlay and what enters it from outside; `undefined`: does not. */
  readonly masquerade?: Masquerade | undefined;
  /**
   * Accepts forwarded packets from and to the overlay where the FORWARD policy may be to drop, and those that
   * arrive from the overlay in front of Docker's drops.
   */
  readonly forward: boolean;
  /**
   * The interface that carries packets between hosts. Where Docker filters with iptables and `forward` is on,
   * unrequested packets to the network that arrive there and are not the overlay's are dropped.
   * @default none
   */
  readonly underlay?: string | undefined;
  /** Marks packets that arrive from the overlay for this host's subnet, for a Docker that accepts the mark. @default none */
  readonly acceptMark?: PacketMark | undefined;
  /**
   * Closes a bridge that its owner opened to everyone who can route to it, such as a Docker network with
   * gateway_mode nat-unprotected: forwarded packets to the overlay's subnet that leave by the interface are
   * dropped unless they come from the overlay or from the bridge itself, answer a connection, or were
   * addressed to a published port (DNAT). Holds with `forward` off, too. The bridge need not exist yet.
   * @default none
   */
  readonly protect?: { readonly interface: string } | undefined;
}

/** An overlay network, and this host's share of it. */
export interface Overlay {
  /** All of the overlay: `10.5.0.0/16`. */
  readonly network: Prefix;
  /** This host's lease, inside the network: `10.5.69.0/24`. */
  readonly subnet: Prefix;
  /** Interfaces on which packets of other hosts' containers arrive: `flannel.1`. @default none */
  readonly interfaces?: readonly string[] | undefined;
  /**
   * Addresses of the overlay's other hosts, whose own packets arrive with them on {@link WantedRules.underlay} when
   * that is one of the interfaces: those of their processes, and of containers that Docker masquerades. @default none
   */
  readonly hosts?: readonly Address[] | undefined;
}

/** Bits of a packet's mark (SO_MARK, iptables MARK): those in `mask` become those of `value`. */
export interface PacketMark {
  /** 32 bits, within the mask. */
  readonly value: number;
  /** 32 bits. */
  readonly mask: number;
}

export interface Masquerade {
  /** Draws source ports at random, so that many connections at once to one address do not collide. */
  readonly fullyRandom: boolean;
}

/** {@link WantedRules} for one address family. */
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
  readonly subnet: Prefix;
  /** Where packets of the overlay come from: by interface, the network or other hosts. */
  readonly sources: readonly IngressSource[];
  /** Accepts what arrives from the overlay; else it only passes by the drops below. */
  readonly accept: boolean;
  readonly mark?: PacketMark | undefined;
  /** What arrives there for the network and from no source above comes from outside. */
  readonly outside?: string | undefined;
  /** The bridge of {@link WantedRules.protect}. */
  readonly protect?: string | undefined;
}

/** Packets of the overlay, by the interface on which they arrive and where they come from. */
export interface IngressSource {
  readonly interface: string;
  readonly from: readonly Prefix[];
}

/** Rules that make no sense; the message begins with the field. */
export class WantedRulesError extends Error {
  readonly field: string;

  constructor(field: string, problem: string) {
    super(`${field} ${problem}`);
    this.name = 'WantedRulesError';
    this.field = field;
  }
}

const FAMILIES: readonly Family[] = [4, 6];

/**
 * Splits rules into both families, desired or not.
 * @param former - networks that were served before, whose rules go
 * @throws {WantedRulesError}
 */
export function splitByFamily(wanted: WantedRules, former: readonly Prefix[] = []): FamilyRules[] {
  const { overlays, masquerade, forward } = wanted;
  overlays.forEach(check);
  return FAMILIES.map((family) => {
    const [overlay, second] = overlays.filter(({ network }) => network.family === family);
    if (second) throw new WantedRulesError('overlays', `has two IPv${family} overlays; want one per family`);
    const owned = former.filter((network) => network.family === family);
    if (!overlay) return { family, owned };
    const { network, subnet } = overlay;
    return {
      family,
      owned: [...owned, network],
      masquerade: masquerade && { network, subnet, ...masquerade },
      forward: forward ? network : undefined,
      ingress: ingressOf(overlay, wanted),
    };
  });
}

function ingressOf(overlay: Overlay, wanted: WantedRules): Ingress | undefined {
  const { forward: accept, underlay, acceptMark: mark, protect } = wanted;
  const { network, subnet, interfaces = [], hosts = [] } = overlay;
  if (!protect && !(accept && interfaces.length > 0)) return undefined;
  const sources = interfaces.map((name): IngressSource => ({ interface: name, from: [network] }));
  const others = coverHosts(hosts.filter(({ family }) => family === network.family));
  if (underlay && interfaces.includes(underlay) && others.length > 0)
    sources.push({ interface: underlay, from: others });
  const outside = accept && interfaces.length > 0 ? underlay : undefined;
  return { network, subnet, sources, accept, mark, outside, protect: protect?.interface };
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

function check({ network, subnet }: Overlay, index: number): void {
  if (network.length === 0) {
    throw new WantedRulesError(
      `overlays[${index}].network`,
      `is every address; want one such as 10.5.0.0/16`,
    );
  }
  if (!network.contains(subnet)) {
    throw new WantedRulesError(
      `overlays[${index}].subnet`,
      `${subnet.toString()} lies outside the network ${network.toString()}`,
    );
  }
}
