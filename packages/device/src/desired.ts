import type { Address, InterfaceAddress, Prefix } from '@flannel-ts/ip';

/** Kernel state that is to exist. Links are named, not numbered: an index dies with its link. */
export interface HostState {
  readonly links?: readonly DesiredLink[] | undefined;
  readonly addresses?: readonly DesiredAddress[] | undefined;
  readonly routes?: readonly DesiredRoute[] | undefined;
  readonly neighbours?: readonly DesiredNeighbour[] | undefined;
  readonly fdb?: readonly DesiredFdbEntry[] | undefined;
  /**
   * Destinations whose packets are dropped unless another route takes them: blackhole routes of the main
   * table with the largest metric, so that every other route to the same prefix wins.
   */
  readonly blackholes?: readonly Prefix[] | undefined;
}

export type DesiredLink = DesiredVxlan | DesiredTun;

/** A VXLAN device, up. Everything but `mtu` and `mac` is fixed at creation: a difference recreates the device. */
export interface DesiredVxlan {
  readonly kind: 'vxlan';
  readonly name: string;
  readonly vni: number;
  /** UDP destination port. */
  readonly port: number;
  /** Name of the underlay link. */
  readonly parent: string;
  /** Source address of the tunnel packets. */
  readonly local: Address;
  readonly learning: boolean;
  readonly gbp: boolean;
  /** Bytes. */
  readonly mtu: number;
  /** `undefined` keeps the MAC of an existing device and lets the kernel choose one for a new device. */
  readonly mac?: string | undefined;
}

/** A TUN device, up. Its owner opens it; here its MTU and state are kept. */
export interface DesiredTun {
  readonly kind: 'tun';
  readonly name: string;
  readonly mtu: number;
}

export interface DesiredAddress {
  readonly link: string;
  readonly address: InterfaceAddress;
}

/** A unicast route in the main table, of the usual metric and protocol (`boot`, as of `ip route add`). */
export interface DesiredRoute {
  readonly destination: Prefix;
  readonly link: string;
  readonly gateway?: Address | undefined;
  readonly onlink?: boolean | undefined;
  readonly source?: Address | undefined;
}

/** A permanent neighbour entry. */
export interface DesiredNeighbour {
  readonly link: string;
  readonly address: Address;
  readonly mac: string;
}

/** A permanent entry `mac dst destination self`. */
export interface DesiredFdbEntry {
  readonly link: string;
  readonly mac: string;
  readonly destination: Address;
}

/**
 * The bounds of what may be deleted when it is not desired: what this program can have written, now, in a
 * former run or for a former backend. Nothing outside is ever deleted.
 */
export interface Ownership {
  readonly links: readonly OwnedLink[];
  readonly gatewayRoutes: readonly OwnedGatewayRoutes[];
  /** Blackhole routes of the largest metric to prefixes inside these. @default none */
  readonly blackholesWithin?: readonly Prefix[] | undefined;
}

/**
 * A device that is wholly owned: its global addresses, its routes, its permanent neighbours and FDB entries,
 * and the device itself. A device of this name but of another kind is another program's.
 */
export interface OwnedLink {
  readonly name: string;
  readonly kind: DesiredLink['kind'];
}

/**
 * The routes of host-gw and direct routing: those of the usual metric and protocol, through a gateway on `link`, to
 * prefixes of just `prefixLength` from the one at `from` to the one at `to`, inclusive.
 */
export interface OwnedGatewayRoutes {
  readonly link: string;
  /** Address of the first subnet that can be leased: SubnetMin. */
  readonly from: Address;
  /** Address of the last one: SubnetMax. */
  readonly to: Address;
  readonly prefixLength: number;
}
