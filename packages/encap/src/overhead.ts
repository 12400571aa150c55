import type { Family } from '@flannel-ts/ip';

const ETHERNET_HEADER_BYTES = 14;
const UDP_HEADER_BYTES = 8;
const VXLAN_HEADER_BYTES = 8;

/** Length in bytes of an IP header without options or extension headers (RFC 791, RFC 8200). */
export function ipHeaderBytes(family: Family): number {
  return family === 4 ? 20 : 40;
}

/**
 * Bytes that a tunnel adds to an inner IP packet: what an overlay's MTU is smaller by than its underlay's.
 * vxlan (RFC 7348) carries an Ethernet frame behind a VXLAN, a UDP and an outer IP header; udp carries the
 * bare IP packet behind a UDP and an outer IP header.
 *
 * @param underlay - address family of the outer header
 */
export function tunnelOverheadBytes(tunnel: 'udp' | 'vxlan', underlay: Family): number {
  const outer = ipHeaderBytes(underlay) + UDP_HEADER_BYTES;
  return tunnel === 'udp' ? outer : outer + VXLAN_HEADER_BYTES + ETHERNET_HEADER_BYTES;
}
