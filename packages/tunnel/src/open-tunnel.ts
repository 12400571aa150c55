import {
  openPacketTunnel,
  packetTunnelDropReasons,
  type PacketTunnel,
  type PacketTunnelOptions,
  type SystemError,
} from '@flannel-ts/native';
import { TunnelFailedError, TunnelOpenError } from './errors.ts';
import { decodePeers, encodeEndpoint, encodePrefixes, encodeRoutes, encodeSubnets } from './records.ts';
import { explainMissingFastPath } from './fast-path/errors.ts';
import { openFastPath, type FastPath, type FastPathOptions } from './fast-path/open-fast-path.ts';
import { sum } from './fast-path/prefix-table.ts';
import type { DropReason, Endpoint, FastPathState, Tunnel, TunnelRoute, TunnelStats } from './tunnel.ts';

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
  /**
   * Keeps packets between this host and peers with a fast path in the kernel, by eBPF programs at the TUN device and at
   * the Ethernet interface `underlay`, which peers' datagrams arrive on (IPv4 over IPv4; Linux 6.6). What they leave alone
   * goes through user space, as without. Needs CAP_BPF; `Tunnel.fastPath` tells whether it is on. @default none
   */
  readonly fastPath?: { readonly underlay: string };
  /** Called when a running tunnel stopped carrying packets, at most once. @default ignored */
  readonly onFailure?: (error: TunnelFailedError) => void;
}

/**
 * Opens the device (up, with its MTU) and the socket, in the network namespace of the calling thread, and starts to
 * carry packets. Synchronous, so that it can be called inside another namespace. Needs CAP_NET_ADMIN.
 * @throws {TunnelOpenError}
 */
export function openTunnel(options: TunnelOptions): Tunnel {
  const { tun, socket, accept = 'peers', offloads = 'auto' } = options;
  const onFailure = once((cause: Error) => options.onFailure?.(new TunnelFailedError(tun.name, cause)));
  const native = open(options, {
    device: tun.name,
    mtu: tun.mtu,
    persistent: tun.persistent ?? true,
    socket: encodeEndpoint(socket),
    offloads: offloads === 'auto',
    acceptAny: accept === 'any',
    onFailure,
  });
  const local = { address: socket.address, port: native.port };
  const fast = tryFastPath(options, { tun: native.device, local, onFailure });
  const encodeChecked = (routes: readonly TunnelRoute[]) => {
    for (const { peer } of routes) checkFamily(peer, socket);
    return encodeRoutes(routes);
  };
  const close = () => {
    fast.path?.[Symbol.dispose]();
    native.close();
  };
  return {
    device: native.device,
    local,
    fastPath: fast.state,
    setLocalSubnets(subnets) {
      native.setLocal(encodeSubnets(subnets));
      fast.path?.setLocalSubnets(subnets);
    },
    setRoutes(routes) {
      native.setRoutes(encodeChecked(routes));
      fast.path?.setRoutes(routes);
    },
    updateRoutes(change) {
      native.updateRoutes(encodeChecked(change.add), encodePrefixes(change.remove));
      fast.path?.updateRoutes(change);
    },
    stats: () => addTraffic(readStats(native), fast.path),
    close,
    [Symbol.asyncDispose]() {
      close();
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

/** Whatever keeps a fast path from being opened is a reason to go without, and no error: everything works without. */
function tryFastPath(
  { fastPath }: TunnelOptions,
  tunnel: Omit<FastPathOptions, 'underlay'>,
): { readonly state: FastPathState; readonly path?: FastPath } {
  if (!fastPath) return { state: { on: false, reason: 'it was not asked for' } };
  try {
    return { state: { on: true }, path: openFastPath({ ...tunnel, ...fastPath }) };
  } catch (error) {
    return { state: { on: false, reason: explainMissingFastPath(error) } };
  }
}

function once<T>(call: (value: T) => void): (value: T) => void {
  let called = false;
  return (value) => {
    if (!called) call(value);
    called = true;
  };
}

function checkFamily(peer: Endpoint, socket: Endpoint): void {
  if (peer.address.family === socket.address.family) return;
  throw new RangeError(
    `the peer ${peer.address.toString()} cannot be reached from a socket on ${socket.address.toString()}: use an IPv${socket.address.family} address`,
  );
}

function addTraffic(stats: TunnelStats, fast: FastPath | undefined): TunnelStats {
  if (!fast) return stats;
  const peers = stats.peers.map((peer) => {
    return { ...peer, ...sum(peer, fast.traffic(peer.route.destination)) };
  });
  return { ...stats, ...sum(stats, fast.total()), peers };
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
