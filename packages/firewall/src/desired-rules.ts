import type { Address, Family, Prefix } from '@flannel-ts/ip';

/** The rules of one host, whole: rules of its networks that are not desired are removed. */
export interface DesiredRules {
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
   * addressed to a published port (DNAT). Holds with `forward` off, too, and without an
   * overlay, for every address. The bridge need not exist yet.
   * @default none
   */
  readonly protect?: { readonly interface: string } | undefined;
  /**
   * Guards the UDP port to which hosts send encapsulated packets: containers of this host cannot send to that port of
   * a peer. Holds with `forward` off, too; needs an overlay, after whose network it is named. @default none
   */
  readonly tunnel?: GuardedTunnel | undefined;
}

/** A tunnel between hosts, as far as packets are let through to it. */
export interface GuardedTunnel {
  /** Address family between hosts. */
  readonly family: Family;
  /** The UDP port of every host. */
  readonly port: number;
  /** The interface on which peers' packets arrive, and on which no container sends. */
  readonly underlay: string;
  /** Addresses of other hosts; {@link Firewall.updatePeers} changes them. */
  readonly peers: readonly Address[];
  /** VXLAN packets to this host are taken from peers only when they are of this VNI. @default from everyone */
  readonly onlyPeersVni?: number | undefined;
}

/** Peers of a {@link GuardedTunnel} that have come and gone. */
export interface TunnelPeersChange {
  readonly add: readonly Address[];
  readonly remove: readonly Address[];
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
   * Addresses of the overlay's other hosts, whose own packets arrive with them on {@link DesiredRules.underlay} when
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

/** Rules that make no sense; the message begins with the field. */
export class DesiredRulesError extends Error {
  readonly field: string;

  constructor(field: string, problem: string) {
    super(`${field} ${problem}`);
    this.name = 'DesiredRulesError';
    this.field = field;
  }
}

/** @throws {@link DesiredRulesError} for an overlay that makes no sense */
export function checkOverlay({ network, subnet }: Overlay, index: number): void {
  if (network.length === 0) {
    throw new DesiredRulesError(
      `overlays[${index}].network`,
      `must be smaller than every address, such as 10.5.0.0/16`,
    );
  }
  if (!network.contains(subnet)) {
    throw new DesiredRulesError(
      `overlays[${index}].subnet`,
      `must lie inside the network ${network.toString()}, not be ${subnet.toString()}`,
    );
  }
}
