/**
 * The UDP data plane of flannel's udp backend: packets between a TUN device and a UDP socket.
 *
 * @packageDocumentation
 */
export type { Counter, Endpoint, Tunnel, TunnelRoute, TunnelStats } from './tunnel.ts';
