import type { Device, HostState, Ownership } from '@flannel-ts/device';
import type { Address, InterfaceAddress, Prefix } from '@flannel-ts/ip';
import type { Lease, LeaseAttributes, NetworkConfig } from '@flannel-ts/subnet';
import type { Tunnel, TunnelOptions, TunnelRoute } from '@flannel-ts/tunnel';
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
export interface WantedState {
  readonly host?: HostState | undefined;
  /** This host's subnets, for the source checks of a tunnel. */
  readonly own?: readonly InterfaceAddress[] | undefined;
  readonly tunnelRoutes?: readonly TunnelRoute[] | undefined;
}

/** A way to move packets between hosts, with its device ready, before this host has a subnet. */
export interface Backend extends AsyncDisposable {
  /** MTU of the overlay in bytes, for subnet.env and containers. */
  readonly mtu: number;
  /** What this host's lease tells peers about the backend. */
  readonly attributes: Omit<LeaseAttributes, 'publicIp'>;
  /** Interfaces on which packets of other hosts' containers arrive; none when the backend moves no packets. */
  readonly overlayInterfaces: readonly string[];
  /** Kernel state that this backend may delete when no lease wants it. */
  readonly ownership: Ownership;

  /** What our own lease asks of this host: device, addresses. Pure. */
  planSelf(self: Lease): WantedState;

  /**
   * What a peer's lease asks of this host; `undefined` when the peer runs another backend. Pure.
   * @throws {PeerDataError} when what the peer published makes no sense
   */
  planPeer(peer: Lease): WantedState | undefined;

  /** Carries packets in this process; absent for backends whose packets stay in the kernel. */
  readonly tunnel?: Pick<Tunnel, 'fastPath' | 'setOwn' | 'setRoutes' | 'updateRoutes' | 'stats'> | undefined;
}

/** What a backend is made from. */
export interface BackendContext {
  readonly device: Device;
  readonly underlay: Underlay;
  readonly config: NetworkConfig;
  /** Told what an operator should know. */
  readonly onEvent: (event: BackendEvent) => void;
  /**
   * Whose packets the udp backend takes: those of `peers`, by address, port and inner source, or `any`, as
   * upstream does. Behind a NAT that changes a peer's address or port, only `any` works. @default 'peers'
   */
  readonly udpAccept?: 'peers' | 'any' | undefined;
  /**
   * Whether the udp backend keeps packets to peers that can take them so in the kernel, where this host can. What is sent
   * that way passes by the host's own rules for outgoing packets (iptables OUTPUT, IPsec). @default 'auto'
   */
  readonly udpFastPath?: 'auto' | 'off' | undefined;
  /** Opens the udp backend's tunnel, for example in another namespace. @default `openTunnel` of `@flannel-ts/tunnel` */
  readonly openTunnel?: ((options: TunnelOptions) => Tunnel) | undefined;
}

/**
 * Makes a backend: reads its options from the config and prepares its device.
 * @throws {BackendConfigError}
 */
export type CreateBackend = (context: BackendContext) => Promise<Backend>;
