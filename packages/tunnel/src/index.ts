/**
 * The UDP data plane of flannel's udp backend: packets between a TUN device and a UDP socket.
 *
 * @packageDocumentation
 */
export { TunnelFailedError, TunnelOpenError, type TunnelOpenProblem } from './errors.ts';
export { fastPathReasons, type FastPathReason, type FastPathReasons } from './fast-path/reasons.ts';
export { removeFastPath } from './fast-path/noted-fast-path.ts';
export { openTunnel, type TunnelOptions } from './open-tunnel.ts';
export type {
  Counter,
  DropReason,
  Endpoint,
  PeerPath,
  PeerStats,
  FastPathState,
  PortRange,
  RouteChange,
  RouteSink,
  RouteSnapshot,
  Traffic,
  Tunnel,
  TunnelOffloads,
  TunnelRoute,
  TunnelStats,
} from './tunnel.ts';
