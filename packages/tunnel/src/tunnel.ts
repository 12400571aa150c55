import type { Address, Prefix } from '@flannel-ts/ip';

/** Where a peer's tunnel socket is. */
export interface Endpoint {
  readonly address: Address;
  readonly port: number;
}

/** Packets to `destination` go to `peer`; packets from `peer` must come from inside `destination`. */
export interface TunnelRoute {
  readonly destination: Prefix;
  readonly peer: Endpoint;
}

/** A running tunnel between a TUN device and a UDP socket. */
export interface Tunnel extends AsyncDisposable {
  /** Name of the TUN device. */
  readonly device: string;

  /** Replaces the whole table at once: a packet sees the old table or the new one. */
  setRoutes(routes: readonly TunnelRoute[]): void;

  /** Adds or replaces routes by destination, and removes some. */
  updateRoutes(change: { readonly add: readonly TunnelRoute[]; readonly remove: readonly Prefix[] }): void;

  stats(): TunnelStats;
}

export interface TunnelStats {
  readonly sent: Counter;
  readonly received: Counter;
  /** Dropped packets by reason. */
  readonly drops: { readonly [reason: string]: number };
  readonly peers: readonly {
    readonly route: TunnelRoute;
    readonly sent: Counter;
    readonly received: Counter;
  }[];
}

export interface Counter {
  readonly packets: number;
  readonly bytes: number;
}
