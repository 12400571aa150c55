/**
 * The only C++ of flannel-ts: netlink sockets, packet tunnel threads, bpf(2), network namespaces, sd_notify.
 *
 * @packageDocumentation
 */
export { AddonError, type SystemError } from './binding.ts';
export { bpfCalls, type BpfCalls, type BpfMapDescription, type LoadedBpf } from './bpf.ts';
export { inNamespace } from './namespace.ts';
export {
  openNetlinkExchange,
  openNetlinkPort,
  type NetlinkExchange,
  type NetlinkPort,
  type NetlinkPortOptions,
} from './netlink-port.ts';
export { notifySystemd } from './notify.ts';
export { unblockSignal } from './signal.ts';
export {
  openPacketTunnel,
  packetTunnelDropReasons,
  packetTunnelRecordBytes,
  type PacketTunnel,
  type PacketTunnelCounter,
  type PacketTunnelOffloads,
  type PacketTunnelOptions,
  type PacketTunnelStats,
} from './packet-tunnel.ts';
