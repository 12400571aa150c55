import {
  openPacketTunnel,
  packetTunnelDropReasons,
  type PacketTunnel,
  type PacketTunnelOptions,
  type SystemError,
} from '@flannel-ts/native';
import { TunnelFailedError, TunnelOpenError } from './errors.ts';
import { decodePeers, encodeEndpoint, encodePrefixes, encodeRoutes, encodeSubnets } from './records.ts';
import type { DropReason, Endpoint, Tunnel, TunnelRoute, TunnelStats } from './tunnel.ts';

export interface TunnelOptions {
  readonly tun: {
    /** Name of the device. A persistent device of this name is attached to, with its addresses and routes. */
    readonly name: string;
    /** Bytes. */
    readonly mtu: number;
    /** The device, its addresses and routes stay when the tunnel is closed or the process ends. @default true */
    readonly persistent?: boolean;
  };
  /** Local address of the UDP socket; port 0 lets the kernel choose. */
  readonly socket: Endpoint;
  /**
   * `peers` takes a packet only if its inner source belongs to the peer (address and port) that it came from and its
   * inner destination is ours; `any` takes every packet, as upstream does. @default 'peers'
   */
  readonly accept?: 'peers' | 'any';
  /** `auto` uses every offload that the kernel has; `none` moves one packet per system call. @default 'auto' */
  readonly offloads?: 'auto' | 'none';
  /** Called when a running tunnel stopped carrying packets, at most once. @default ignored */
  readonly onFailure?: (error: TunnelFailedError) => void;
}

/**
 * Opens the device (up, with its MTU) and the socket, in the network namespace of the calling thread, and starts to
 * carry packets. Synchronous, so that it can be called inside another namespace. Needs CAP_NET_ADMIN.
 * @throws {TunnelOpenError}
 */
export function openTunnel(options: TunnelOptions): Tunnel {
  const { tun, socket, accept = 'peers', offloads = 'auto', onFailure = () => undefined } = options;
  const native = open(options, {
    device: tun.name,
    mtu: tun.mtu,
    persistent: tun.persistent ?? true,
    socket: encodeEndpoint(socket),
    offloads: offloads === 'auto',
    acceptAny: accept === 'any',
    onFailure: (cause) => onFailure(new TunnelFailedError(tun.name, cause)),
  });
  const encodeChecked = (routes: readonly TunnelRoute[]) => {
    for (const { peer } of routes) checkFamily(peer, socket);
    return encodeRoutes(routes);
  };
  return {
    device: native.device,
    local: { address: socket.address, port: native.port },
    setOwn: (subnets) => native.setLocal(encodeSubnets(subnets)),
    setRoutes: (routes) => native.setRoutes(encodeChecked(routes)),
    updateRoutes: ({ add, remove }) => native.updateRoutes(encodeChecked(add), encodePrefixes(remove)),
    stats: () => readStats(native),
    close: () => native.close(),
    [Symbol.asyncDispose]: () => {
      native.close();
      return Promise.resolve();
    },
  };
}

function open({ tun, socket }: TunnelOptions, options: PacketTunnelOptions): PacketTunnel {
  try {
    return openPacketTunnel(options);
  } catch (error) {
    throw new TunnelOpenError(tun.name, socket, error as SystemError);
  }
}

function checkFamily(peer: Endpoint, socket: Endpoint): void {
  if (peer.address.family === socket.address.family) return;
  throw new RangeError(
    `the peer ${peer.address.toString()} cannot be reached from a socket on ${socket.address.toString()}: use an IPv${socket.address.family} address`,
  );
}

function readStats(native: PacketTunnel): TunnelStats {
  const { sent, received, drops, offloads, peers } = native.stats();
  const byReason = packetTunnelDropReasons.map((reason, index) => [reason, drops[index]!] as const);
  return {
    sent,
    received,
    drops: Object.fromEntries(byReason) as Record<DropReason, number>,
    offloads,
    peers: decodePeers(peers),
  };
}
