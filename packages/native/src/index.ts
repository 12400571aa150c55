/**
 * The only C++ of flannel-ts: netlink sockets, TUN devices, network namespaces, sd_notify, packet tunnel.
 *
 * @packageDocumentation
 */
export type { NetlinkPort, NetlinkPortOptions } from './netlink-port.ts';
