import type { Device, HostState, Ownership } from '@flannel-ts/device';
import type { Address, InterfaceAddress, Prefix } from '@flannel-ts/ip';
import type { Lease, LeaseAttributes, NetworkConfig } from '@flannel-ts/subnet';
import type { RouteSink, Tunnel, TunnelRoute } from '@flannel-ts/tunnel';
import type { BackendEvent } from './events.ts';

/** The host's interface that carries packets between hosts. */
export interface Underlay {
  readonly link: string;
  /** Bytes. */
  readonly mtu: number;
  /** The interface's own address, by family. */
  readonly address: { readonly ipv4?: Address | undefined; readonly ipv6?: Address | undefined };
  /** What can be reached on the interface without a gateway. */
  readonly onLink: readonly Prefix[];
  /** What peers are told to send to; differs from `address` behind a NAT. */
  readonly publicIp: LeaseAttributes['publicIp'];
}

/** What one lease asks of this host. */
export interface DesiredState {
  readonly host?: HostState | undefined;
  /** This host's subnets, for the source checks of a tunnel. */
  readonly localSubnets?: readonly InterfaceAddress[] | undefined;
  readonly tunnelRoutes?: readonly TunnelRoute[] | undefined;
  /** The peer's address between hosts, from which and to which encapsulated packets go. */
  readonly tunnelPeer?: Address | undefined;
}

/** How a backend's packets look on the way between hosts. */
export interface Encapsulation {
  /** Destination port, UDP. */
  readonly port: number;
  /** Network identifier of VXLAN; absent for other formats. */
  readonly vni?: number | undefined;
}

/** What this host's lease says to peers about the backend. */
export type BackendAttributes = Omit<LeaseAttributes, 'publicIp'>;

/** A way to move packets between hosts, with its device ready, before this host has a subnet. */
export interface Backend {
  /** MTU of the overlay in bytes, for subnet.env and containers. */
  readonly mtu: number;
  /** What this host's lease must say to peers now; a change is reported by an `attributes` event. */
  readonly attributes: BackendAttributes;
  /** Interfaces on which packets of other hosts' containers arrive; none when the backend moves no packets. */
  readonly overlayInterfaces: readonly string[];
  /** Where every host takes encapsulated packets; absent without encapsulation. */
  readonly encapsulation?: Encapsulation | undefined;
  /** Kernel state that this backend may delete when no lease wants it. */
  readonly ownership: Ownership;

  /** What our own lease asks of this host: device, addresses. Pure. */
  planSelf(self: Lease): DesiredState;

  /**
   * What a peer's lease asks of this host; `undefined` when the peer runs another backend. Pure.
   * @throws {PeerDataError} when what the peer published makes no sense
   */
  planPeer(peer: Lease): DesiredState | undefined;

  /** Carries packets in this process; absent for backends whose packets stay in the kernel. */
  readonly tunnel?: (RouteSink & Pick<Tunnel, 'fastPath' | 'stats'>) | undefined;
}

/** What a backend is made from. */
export interface BackendContext {
  readonly device: Device;
  readonly underlay: Underlay;
  readonly config: NetworkConfig;
  /** Called with what an operator should know. */
  readonly onEvent: (event: BackendEvent) => void;
}

/**
 * Makes a backend: reads its options from the config and prepares its device.
 * @throws {BackendConfigError}
 */
export type CreateBackend = (context: BackendContext) => Promise<Backend>;
