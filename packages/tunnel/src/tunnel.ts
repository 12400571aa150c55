import type { Address, InterfaceAddress, Prefix } from '@flannel-ts/ip';
import type { packetTunnelDropReasons, PacketTunnelOffloads } from '@flannel-ts/native';
import type { FastPathReasons } from './fast-path/reasons.ts';

/** Where a peer's tunnel socket is. */
export interface Endpoint {
  readonly address: Address;
  readonly port: number;
}

/** UDP ports. */
export interface PortRange {
  readonly first: number;
  readonly last: number;
}

/** Packets to `destination` go to `peer`; packets from `peer` must come from inside `destination`. */
export interface TunnelRoute {
  readonly destination: Prefix;
  /** Of the same address family as the tunnel's socket. */
  readonly peer: Endpoint & {
    /** The peer has a fast path too: packets to it may take ours. @default false */
    readonly fastPath?: boolean;
    /**
     * From which ports the peer's fast path may send, besides `port`. A peer with a range takes fast packets from ours
     * (`TunnelOptions.sourcePorts`). @default none, and fast packets to it come from the port of the socket
     */
    readonly sourcePorts?: PortRange;
    /**
     * The peer combines the ECN fields of both headers as RFC 6040 has it, as this tunnel does: a tunnel that
     * inherits sends it those of inner packets. Upstream's daemons do not. @default false
     */
    readonly ecn?: boolean;
  };
}

/** A change of single routes. */
export interface RouteChange {
  readonly add: readonly TunnelRoute[];
  readonly remove: readonly Prefix[];
}

/** All that a {@link RouteSink} holds. */
export interface RouteSnapshot {
  readonly localSubnets: readonly InterfaceAddress[];
  readonly routes: readonly TunnelRoute[];
  /** See {@link Tunnel.setExpiry}. */
  readonly expiresAt?: number | undefined;
}

/** The shape in which subnets and routes reach every layer that keeps them: a tunnel, its fast path, a table. */
export interface RouteSink {
  /**
   * Replaces this host's subnets, each with the address of the TUN device in it (`10.5.69.0/24`): packets from peers
   * must go to one of them, and ICMP errors come from the address.
   */
  setLocalSubnets(subnets: readonly InterfaceAddress[]): void;

  /**
   * Replaces the whole table at once: a packet sees the old table or the new one. Of two routes to the same
   * destination the last one counts. @throws {RangeError} for a peer of another family than the socket's.
   */
  setRoutes(routes: readonly TunnelRoute[]): void;

  /**
   * Removes some routes, then adds or replaces others by destination; the cost is that of the change.
   * @throws {RangeError} for a peer of another family than the socket's.
   */
  updateRoutes(change: RouteChange): void;
}

/** A running tunnel between a TUN device and a UDP socket. */
export interface Tunnel extends RouteSink, AsyncDisposable {
  /** Name of the TUN device. */
  readonly device: string;

  /** Where the socket is bound. */
  readonly local: Endpoint;

  /** Whether packets may stay in the kernel. */
  readonly fastPath: FastPathState;

  stats(): TunnelStats;

  /**
   * Sets until when the fast path carries packets, in milliseconds of the boot's clock (CLOCK_BOOTTIME): it outlives
   * the process that knows whether this host still has its subnets. After that, packets are left to user space.
   * @param at - `undefined` is for ever
   */
  setExpiry(at: number | undefined): void;

  /**
   * Ends the threads and closes the socket within milliseconds, and removes the fast path; a persistent device stays.
   * Idempotent.
   */
  close(): void;

  /**
   * Closes the tunnel, but for the fast path, as the end of the process would: until it expires, packets between
   * this host and peers with a fast path stay in the kernel. The next tunnel of the device takes it over, or removes it.
   */
  leave(): void;
}

/** `reason` says why there is no fast path. */
export type FastPathState = { readonly on: true } | { readonly on: false; readonly reason: string };

/** How packets to a peer travel, and since when. */
export type PeerPath = { readonly since: Date } & (
  | { readonly kind: 'fast' }
  /** `reason` says why they do not stay in the kernel. */
  | { readonly kind: 'user-space'; readonly reason: string }
);

/** What went in both directions. */
export interface Traffic {
  readonly sent: Counter;
  readonly received: Counter;
}

/** `sent` and `received` count all packets, `inKernel` those of them that the fast path carried. */
export interface TunnelStats extends Traffic {
  readonly inKernel: Traffic;
  /** Dropped packets by reason. */
  readonly drops: Readonly<Record<DropReason, number>>;
  /** Packets that the fast path left to user space, or dropped, by reason; absent without a fast path. */
  readonly fastPath?: FastPathReasons;
  /** What is on. */
  readonly offloads: TunnelOffloads;
  /** One entry per route. A route keeps its counters as long as its destination keeps its peer. */
  readonly peers: readonly PeerStats[];
}

/** A route, how packets to its peer travel, and what it carried, as in {@link TunnelStats}. */
export interface PeerStats extends Traffic {
  readonly route: TunnelRoute;
  readonly path: PeerPath;
  readonly inKernel: Traffic;
}

/** What the kernel does for many packets at once; all false with `offloads: 'none'`. */
export type TunnelOffloads = PacketTunnelOffloads;

/** Inner IP packets, and their bytes with IP headers and without UDP. */
export interface Counter {
  readonly packets: number;
  readonly bytes: number;
}

/**
 * Why a packet was dropped. Both directions: `malformed` (no IP packet), `hopsExceeded` (TTL or hop limit ran out).
 * To peers: `noRoute` (no peer has the destination), `tooBig` (does not fit the path), `sendFailed` (the socket refused
 * it). From peers: `wrongInterface` (it arrived on another one than the underlay), `unknownSource` (no peer has the inner source), `wrongPeer` (another peer has it), `notOurs` (the
 * inner destination is in none of our subnets), `congestion` (the path marked it as congested, and its sender
 * does not know of marks), `unfinished` (its sender left its checksum or segmentation
 * to a network card, and it cannot be completed here), `deviceRefused` (the TUN device is down), `socketFull` (they came faster
 * than they were read).
 */
export type DropReason = (typeof packetTunnelDropReasons)[number];
