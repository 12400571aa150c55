import { availableParallelism } from 'node:os';
import {
  openPacketTunnel,
  packetTunnelDropReasons,
  type PacketTunnel,
  type PacketTunnelOptions,
  type SystemError,
} from '@flannel-ts/native';
import { TunnelFailedError, TunnelOpenError } from './errors.ts';
import { decodePeers, encodeEndpoint } from './records.ts';
import { explainMissingFastPath } from './fast-path/errors.ts';
import { openFastPath, type FastPath, type FastPathOptions } from './fast-path/open-fast-path.ts';
import { removeFastPath } from './fast-path/noted-fast-path.ts';
import { noTraffic, sum } from './fast-path/traffic.ts';
import { createPeerPaths, type PeerPaths } from './peer-paths.ts';
import type {
  DropReason,
  Endpoint,
  FastPathState,
  PortRange,
  RouteSink,
  RouteSnapshot,
  Tunnel,
  TunnelStats,
} from './tunnel.ts';
import { steerReceivedPackets } from './receive-packet-steering.ts';
import { createUserSpaceRoutes } from './user-space-routes.ts';

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
   * `peers` takes a packet only if it arrived on the interface `underlay`, its inner source belongs to the peer (address
   * and port) that it came from and its inner destination is ours; `any` takes every packet, as upstream does.
   * @default 'peers'
   */
  readonly accept?: 'peers' | 'any';
  /**
   * Name of the interface that peers' datagrams arrive on. With a VLAN, a bond or a bridge it is the one that has the
   * address. Without, containers that may open raw sockets can send in the name of a peer unless reverse path filters
   * are strict. @default every interface
   */
  readonly underlay?: string;
  /** `auto` uses every offload that the kernel has; `none` moves one packet per system call. @default 'auto' */
  readonly offloads?: 'auto' | 'none';
  /**
   * What outer headers say in DSCP and ECN. `inherit` copies the inner DSCP, and the inner ECN field to peers with
   * `ecn`; what arrives is combined as RFC 6040 has it in any case. @default 'zero'
   */
  readonly tos?: 'zero' | 'inherit';
  /**
   * Keeps packets between this host and peers with a fast path in the kernel, by eBPF programs at the TUN device and at
   * the Ethernet interface `underlay` (IPv4 over IPv4; Linux 6.6). What they leave alone goes through user space, as
   * without. Needs CAP_BPF and CAP_PERFMON; `Tunnel.fastPath` tells whether it is on. It carries on when the process ends without
   * {@link Tunnel.close}, and the next tunnel of the device takes it over. @default false
   */
  readonly fastPath?: boolean;
  /**
   * From which ports the fast path sends to peers with `sourcePorts` of their own, by the flows inside, so that receive
   * queues, cores and equal paths share them. No socket is bound to them. Peers take packets from them by their route
   * to this host (`TunnelRoute.peer.sourcePorts`). @default none: all packets come from the port of the socket
   */
  readonly sourcePorts?: PortRange;
  /**
   * How many threads may carry packets through user space at once in each direction, the packets of a flow by the same one:
   * 1, 2, 4 or 8. @default half of the cores
   */
  readonly threads?: 1 | 2 | 4 | 8;
  /** What to begin with: packets flow by it while the fast path is still being opened. @default nothing */
  readonly initial?: RouteSnapshot;
  /** Called when a running tunnel stopped carrying packets, at most once. @default ignored */
  readonly onFailure?: (error: TunnelFailedError) => void;
}

/**
 * Opens the device (up, with its MTU) and the socket, in the network namespace of the calling thread, and starts to
 * carry packets. Synchronous, so that it can be called inside another namespace. Needs CAP_NET_ADMIN.
 * @throws {TunnelOpenError}
 * @throws {RangeError} when an initial peer has another address family than the socket
 */
export function openTunnel(options: TunnelOptions): Tunnel {
  const { tun, socket, accept = 'peers', underlay = '', offloads = 'auto', initial } = options;
  const { threads = defaultThreads() } = options;
  const onFailure = once((cause: Error) => options.onFailure?.(new TunnelFailedError(tun.name, cause)));
  using opening = new DisposableStack();
  const native = open(options, {
    device: tun.name,
    mtu: tun.mtu,
    persistent: tun.persistent ?? true,
    socket: encodeEndpoint(socket),
    offloads: offloads === 'auto',
    threads,
    acceptAny: accept === 'any',
    underlay: accept === 'peers' ? underlay : '',
    inheritTrafficClass: options.tos === 'inherit',
    onFailure,
  });
  opening.defer(() => native.close());
  steerReceivedPackets(native.device);
  const userSpace = createUserSpaceRoutes(native, socket);
  if (initial) setAll(userSpace, initial);
  const local = { address: socket.address, port: native.port };
  const fast = tryFastPath(options, { tun: native.device, local, onFailure });
  if (!fast.path) removeFastPath(native.device);
  opening.defer(() => fast.path?.[Symbol.dispose]());
  const paths = createPeerPaths(fast.state);
  if (initial) setAll(paths, initial);
  const sinks = [userSpace, paths, ...(fast.path ? [fast.path] : [])];
  const opened = opening.move();
  return {
    device: native.device,
    local,
    fastPath: fast.state,
    setLocalSubnets: (subnets) => sinks.forEach((sink) => sink.setLocalSubnets(subnets)),
    setRoutes: (routes) => sinks.forEach((sink) => sink.setRoutes(routes)),
    updateRoutes: (change) => sinks.forEach((sink) => sink.updateRoutes(change)),
    stats: () => readStats(native, paths, fast.path),
    setExpiry: (at) => fast.path?.setExpiry(at),
    close: () => opened.dispose(),
    leave() {
      fast.path?.leave();
      opened.dispose();
    },
    [Symbol.asyncDispose]() {
      opened.dispose();
      return Promise.resolve();
    },
  };
}

/** The other half of the cores runs what sends and receives. */
function defaultThreads(): 1 | 2 | 4 | 8 {
  const cores = availableParallelism();
  return ([8, 4, 2] as const).find((threads) => 2 * threads <= cores) ?? 1;
}

function setAll(sink: RouteSink, { localSubnets, routes }: RouteSnapshot): void {
  sink.setLocalSubnets(localSubnets);
  sink.setRoutes(routes);
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
  { fastPath, underlay, initial, tos = 'zero', sourcePorts }: TunnelOptions,
  tunnel: Pick<FastPathOptions, 'tun' | 'local' | 'onFailure'>,
): { readonly state: FastPathState; readonly path?: FastPath } {
  if (!fastPath) return { state: { on: false, reason: 'it was not asked for' } };
  if (underlay === undefined) return { state: { on: false, reason: 'it needs the name of the underlay' } };
  try {
    const path = openFastPath({ ...tunnel, underlay, tos, sourcePorts, initial });
    return { state: { on: true }, path };
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

function readStats(native: PacketTunnel, paths: PeerPaths, fast: FastPath | undefined): TunnelStats {
  const userSpace = native.stats();
  const byReason = packetTunnelDropReasons.map((reason, index) => [reason, userSpace.drops[index]!] as const);
  const kernel = fast?.traffic() ?? { of: () => noTraffic, total: noTraffic };
  return {
    ...sum(userSpace, kernel.total),
    inKernel: kernel.total,
    drops: Object.fromEntries(byReason) as Record<DropReason, number>,
    ...(fast && { fastPath: fast.reasons() }),
    offloads: userSpace.offloads,
    peers: decodePeers(userSpace.peers).map(({ route, ...traffic }) => {
      const inKernel = kernel.of(route.destination);
      return { route, path: paths.of(route.destination), ...sum(traffic, inKernel), inKernel };
    }),
  };
}
