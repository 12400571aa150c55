import type { Address, InterfaceAddress, Prefix } from '@flannel-ts/ip';

/** Kernel state that somebody wants to exist. Links are named, not numbered: an index dies with its link. */
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

/** What may be deleted when nobody wants it. Nothing outside is ever touched. */
export interface Ownership {
  /** Links that are wholly ours: their global addresses, routes, permanent neighbours and FDB entries. */
  readonly links: readonly string[];
  /**
   * Routes through `link` with a gateway, to prefixes of just this length inside `within`: those of host-gw
   * and direct routing. Other lengths are somebody's own routes, which may well lie inside a wide network.
   */
  readonly gatewayRoutes: readonly {
    readonly link: string;
    readonly within: Prefix;
    readonly prefixLength: number;
  }[];
  /** Blackhole routes of the largest metric to prefixes inside these. @default none */
  readonly blackholesWithin?: readonly Prefix[] | undefined;
}
