import { tunnelOverheadBytes } from '@flannel-ts/encap';
import { Prefix } from '@flannel-ts/ip';
import {
  openTunnel,
  type Endpoint,
  type FastPathState,
  type RouteSink,
  type RouteSnapshot,
  type Tunnel,
  type TunnelOptions,
} from '@flannel-ts/tunnel';
import type { Backend, BackendContext, CreateBackend } from './backend.ts';
import type { BackendEvent } from './events.ts';
import { readOptions, requireIPv4, requireUnderlayIPv4 } from './options.ts';
import { requirePeerAddress } from './peer-address.ts';
import {
  openReconnectingTunnel,
  type ReconnectingTunnel,
  type TunnelRequest,
} from './reconnecting-tunnel.ts';
import { attributesOf, readOffers } from './udp-offers.ts';

const DEVICE = 'flannel0';
const PORT = 8285;
/** From which the fast path sends: privileged ports, so that only root of a host can send in the tunnel's name. */
const SOURCE_PORTS = { first: 768, last: 1_023 };

export interface UdpOptions {
  /**
   * Whose packets are taken: those of `peers`, by address, port and inner source, or of `any`, as upstream does.
   * Behind a NAT that changes a peer's address or port, only `any` works. @default 'peers'
   */
  readonly accept?: 'peers' | 'any' | undefined;
  /**
   * Whether packets to peers that can take them so stay in the kernel, where this host can. What is sent that way passes
   * by the host's own rules for outgoing packets (iptables OUTPUT, IPsec). @default 'auto'
   */
  readonly fastPath?: 'auto' | 'off' | undefined;
  /**
   * Whether the fast path carries on, until the tunnel expires, when the backends are disposed of, as when the process
   * dies; a tunnel that is closed for another backend takes it along. @default true
   */
  readonly leaveFastPath?: boolean | undefined;
  /** How many threads carry packets through user space in each direction: 1, 2, 4 or 8. @default by cores */
  readonly threads?: TunnelOptions['threads'] | undefined;
  /**
   * What outer headers say in DSCP and ECN (RFC 6040): nothing, as upstream's, or what inner ones say. ECN is inherited only
   * towards peers that inherit, too: upstream's daemons would lose the marks of a congested path. @default 'zero'
   */
  readonly tos?: 'zero' | 'inherit' | undefined;
  /** Opens the tunnel, for example in another namespace. @default `openTunnel` of `@flannel-ts/tunnel` */
  readonly openTunnel?: ((options: TunnelOptions) => Tunnel) | undefined;
}

/** Between which device and which socket a tunnel carries packets. */
interface TunnelPlace {
  /** Name of the TUN device. */
  readonly device: string;
  /** Bytes. */
  readonly mtu: number;
  readonly socket: Endpoint;
  /** Name of the interface to the peers. */
  readonly underlay: string;
}

/** What a tunnel carries packets by: all that another process needs to carry on. */
export interface TunnelState extends TunnelPlace, RouteSnapshot {}

/** Makes udp backends, one after another, and keeps the tunnel that they hand over to each other. */
export interface UdpBackends extends Disposable {
  readonly create: CreateBackend;
  /** Returns what the tunnel carries packets by; `undefined` while there is none. */
  tunnelState(): TunnelState | undefined;
  /**
   * Opens the tunnel that another process had, before a backend is made; the first one takes it over.
   * @returns what the tunnel carries packets by until then
   * @throws {TunnelOpenError}
   * @throws {RangeError} when a peer has another address family than the socket
   */
  resumeTunnel(state: TunnelState): RouteSink;
  /**
   * Sets until when the fast path of the tunnel may carry packets, since it outlives this process: while the lease is
   * this host's, in milliseconds of the boot's clock. `undefined` is for ever.
   */
  setTunnelExpiry(at: number | undefined): void;
  /** Closes the tunnel because another backend takes its place. */
  closeTunnel(): void;
}

/** This process encapsulates: bare IP packets in UDP datagrams, for hosts whose kernel or network lacks VXLAN. */
export function createUdpBackends(options: UdpOptions = {}): UdpBackends {
  const components = { openTunnel: options.openTunnel ?? openTunnel };
  const { accept = 'peers', fastPath = 'auto', leaveFastPath = true, threads, tos = 'zero' } = options;
  let held: { readonly place: TunnelPlace; readonly tunnel: ReconnectingTunnel } | undefined;

  function requestFor(place: TunnelPlace, onEvent: TunnelRequest['onEvent']): TunnelRequest {
    const { device, mtu, socket, underlay } = place;
    return {
      options: {
        ...{ tun: { name: device, mtu }, socket, accept, underlay, tos },
        ...(threads && { threads }),
        fastPath: fastPath === 'auto',
        // Peers take packets from them by the lease, which does not offer them otherwise.
        ...(accept === 'peers' && { sourcePorts: SOURCE_PORTS }),
      },
      onEvent,
    };
  }

  function takeTunnel(place: TunnelPlace, onEvent: TunnelRequest['onEvent']): ReconnectingTunnel {
    const request = requestFor(place, onEvent);
    const tunnel = held?.tunnel ?? openReconnectingTunnel(components, request);
    if (held) tunnel.handOver(request);
    held = { place, tunnel };
    return tunnel;
  }

  function closeTunnel(): void {
    held?.tunnel[Symbol.dispose]();
    held = undefined;
  }

  return {
    create: async (context) => createUdpBackend(context, { accept, tos }, takeTunnel),
    tunnelState: () => held && { ...held.place, ...held.tunnel.snapshot() },
    resumeTunnel({ localSubnets, routes, expiresAt, ...place }) {
      // Who takes it over hears what has become of it.
      const request = requestFor(place, () => undefined);
      const tunnel = openReconnectingTunnel(components, request, { localSubnets, routes, expiresAt });
      held = { place, tunnel };
      return tunnel;
    },
    setTunnelExpiry: (at) => held?.tunnel.setExpiry(at),
    closeTunnel,
    [Symbol.dispose]() {
      if (leaveFastPath) held?.tunnel.leave();
      closeTunnel();
    },
  };
}

function createUdpBackend(
  { underlay, config, onEvent }: BackendContext,
  { accept, tos }: Required<Pick<UdpOptions, 'accept' | 'tos'>>,
  takeTunnel: (place: TunnelPlace, onEvent: (event: BackendEvent) => void) => ReconnectingTunnel,
): Backend {
  const { network } = requireIPv4(config);
  const { port } = readOptions(config, (object) => ({ port: object.integer('Port', 1, 65_535) ?? PORT }));
  const mtu = underlay.mtu - tunnelOverheadBytes('udp', 4);
  const socket = { address: requireUnderlayIPv4(underlay, config), port };
  /** With `any`, peers may be behind a NAT: only user space would take the fast packets that they send. */
  const offers = ({ on }: FastPathState) => on && accept === 'peers';
  /** Whether the lease offers a fast path; `undefined` until its attributes can have been read. */
  let offered: boolean | undefined;
  const attributes = (fastPath: boolean) =>
    attributesOf({ fastPath, ecn: tos === 'inherit', sourcePorts: SOURCE_PORTS });
  const tunnel = takeTunnel({ device: DEVICE, mtu, socket, underlay: underlay.link }, (event) => {
    onEvent(event);
    if (event.kind !== 'fast-path' || offered === undefined || offered === offers(event.state)) return;
    offered = offers(event.state);
    onEvent({ kind: 'attributes', attributes: attributes(offered) });
  });
  offered = offers(tunnel.fastPath);
  return {
    mtu,
    get attributes() {
      return attributes(offers(tunnel.fastPath));
    },
    // The fast path delivers to the same device.
    overlayInterfaces: [DEVICE],
    encapsulation: { port },
    ownership: { links: [{ name: DEVICE, kind: 'tun' }], gatewayRoutes: [] },
    tunnel,
    planSelf({ subnets }) {
      const subnet = subnets.ipv4!;
      const address = { address: subnet.network, prefix: new Prefix(subnet.network, 32) };
      return {
        host: {
          links: [{ kind: 'tun', name: DEVICE, mtu }],
          addresses: [{ link: DEVICE, address }],
          routes: [{ destination: network, link: DEVICE }],
        },
        localSubnets: [{ address: subnet.network, prefix: subnet }],
      };
    },
    planPeer(peer) {
      // Upstream's udp publishes no type, and takes every lease for a peer; one of another backend has no tunnel.
      const { backendType, backendData } = peer.attributes;
      if (backendType !== undefined && backendType !== 'udp') return undefined;
      const address = requirePeerAddress(peer, underlay);
      const route = {
        destination: peer.subnets.ipv4!,
        peer: { address, port, ...readOffers(backendData) },
      };
      return { tunnelRoutes: [route], tunnelPeer: address };
    },
  };
}
