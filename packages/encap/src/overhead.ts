import type { Family } from '@flannel-ts/ip';
import { ETHERNET_HEADER_BYTES } from './ethernet.ts';
import { IPV4_HEADER_BYTES } from './ipv4.ts';
import { IPV6_HEADER_BYTES } from './ipv6.ts';
import { UDP_HEADER_BYTES } from './udp.ts';
import { VXLAN_HEADER_BYTES } from './vxlan.ts';

/** Header of a WireGuard data message, and the tag at its end. */
const WIREGUARD_BYTES = 16 + 16;

/** ESP (RFC 4303): SPI and sequence number, IV, padding at its worst, its length and next header, ICV. */
const ESP_BYTES = 8 + 16 + 15 + 2 + 16;

/** A way to carry packets between hosts, by the name of flannel's backend. */
export type OverheadBackend =
  'udp' | 'vxlan' | 'ipip' | 'wireguard' | 'ipsec' | 'host-gw' | 'alloc' | 'aws-vpc' | 'gce';

/** Length in bytes of an IP header without options or extension headers (RFC 791, RFC 8200). */
export function ipHeaderBytes(family: Family): number {
  return family === 4 ? IPV4_HEADER_BYTES : IPV6_HEADER_BYTES;
}

/**
 * Bytes that a backend adds to an inner IP packet: what an overlay's MTU is smaller by than its underlay's.
 *
 * - udp: the bare IP packet behind a UDP and an outer IP header.
 * - vxlan (RFC 7348): an Ethernet frame behind a VXLAN, a UDP and an outer IP header.
 * - ipip (RFC 2003): the bare IP packet behind an outer IP header.
 * - wireguard: a data message in UDP, counted with an IPv6 header in both families, because the hosts of a
 *   cluster, upstream's too, must have one MTU whichever way they reach a peer.
 * - ipsec: ESP in tunnel mode.
 * - host-gw, alloc, aws-vpc, gce: packets travel as they are.
 *
 * @param underlay - address family of the outer header
 */
export function tunnelOverheadBytes(backend: OverheadBackend, underlay: Family): number {
  const outer = ipHeaderBytes(underlay);
  switch (backend) {
    case 'udp':
      return outer + UDP_HEADER_BYTES;
    case 'vxlan':
      return outer + UDP_HEADER_BYTES + VXLAN_HEADER_BYTES + ETHERNET_HEADER_BYTES;
    case 'ipip':
      return outer;
    case 'wireguard':
      return IPV6_HEADER_BYTES + UDP_HEADER_BYTES + WIREGUARD_BYTES;
    case 'ipsec':
      return outer + ESP_BYTES;
    case 'host-gw':
    case 'alloc':
    case 'aws-vpc':
    case 'gce':
      return 0;
  }
}
