/**
 * Codecs for the packets that an overlay carries and that its tunnels wrap them in, and what the wrapping
 * costs. All follow one pattern:
 *
 * - **Decoding** is a view, made once per reader and not per packet. `view.read(bytes, start, end)` checks
 *   one header in place and returns `undefined`, or a {@link Malformed} value with layer, offset and reason;
 *   nothing throws because of what a packet says. Getters then read the caller's buffer: integers, and the
 *   indices where addresses (`sourceAt`) and the payload (`payloadStart`, `payloadEnd`) are. The payload of
 *   one view is what the next one reads. What a payload is (EtherType, protocol) is the caller's to ask, and
 *   an unknown one is no error.
 * - **Encoding** is a function, `writeX(bytes, at, fields)`: it writes one header into the caller's buffer
 *   and returns the index behind it. A field or a buffer that does not do is an {@link EncodeError}, before
 *   anything is written.
 * - **Checksums** are apart from both. Decoding does not verify them, because hardware has, or because it is
 *   too early: `Ipv4View.verifyChecksum` and {@link transportChecksumState} do. {@link writeIpv4} computes
 *   that of its header; {@link setTransportChecksum} sets the one that covers a payload, once it is there.
 *
 * Addresses are bytes and integers; `IpView.source()` makes a value of `@flannel-ts/ip` for logs and tables.
 *
 * @packageDocumentation
 */
export { foldChecksum, internetChecksum, sumWords, updateChecksum } from './checksum.ts';
export { EncodeError } from './encode-error.ts';
export { ETHERNET_HEADER_BYTES, EthernetView, writeEthernet, type EthernetFields } from './ethernet.ts';
export { ExtensionHeaders } from './extension-headers.ts';
export { ICMP_HEADER_BYTES, IcmpView, writeIcmp, type IcmpFields } from './icmp.ts';
export type { IcmpKind } from './icmp-kind.ts';
export { IpReader } from './ip-reader.ts';
export { IpView, type IpFields } from './ip-view.ts';
export { IPV4_HEADER_BYTES, Ipv4View, writeIpv4, type Ipv4Fields } from './ipv4.ts';
export { IPV6_HEADER_BYTES, Ipv6View, writeIpv6, type Ipv6Fields } from './ipv6.ts';
export { formatMac, MAC_BYTES, parseMac } from './mac.ts';
export { Malformed, type Layer, type MalformedReason } from './malformed.ts';
export { ETHER_TYPE, PROTOCOL } from './numbers.ts';
export { ipHeaderBytes, tunnelOverheadBytes, type OverheadBackend } from './overhead.ts';
export { setTransportChecksum, transportChecksumState, type ChecksumState } from './transport-checksum.ts';
export { UDP_HEADER_BYTES, UdpView, writeUdp, type UdpFields } from './udp.ts';
export { View } from './view.ts';
export { VXLAN_HEADER_BYTES, VxlanView, writeVxlan, type VxlanFields } from './vxlan.ts';
