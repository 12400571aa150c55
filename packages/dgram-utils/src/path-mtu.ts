import type { Family } from './endpoint.ts';

/** Bytes of an IP header without options, and of the UDP header (RFC 768, RFC 791, RFC 8200). */
const HEADERS = { 4: 20 + 8, 6: 40 + 8 };

/** What every link must carry in one piece, in bytes (RFC 791, RFC 8200). */
const SMALLEST_MTU = { 4: 68, 6: 1280 };

/**
 * The most bytes that one UDP datagram can have at all. IPv6 counts its payload without its own header
 * (RFC 8200), IPv4 counts its packet with it (RFC 791).
 */
export const LARGEST_DATAGRAM = { 4: 0xffff - HEADERS[4], 6: 0xffff - 8 };

/**
 * The most bytes of data in one UDP datagram that crosses a link, or a path, in one piece: 1472 over IPv4 and 1452
 * over IPv6 for an MTU of 1500.
 *
 * @param mtu - MTU of the link or path in bytes, as `ip link` shows it
 * @throws {RangeError} when no IPv4 (IPv6) link has so small an MTU: below 68 (1280)
 */
export function largestPayload(mtu: number, family: Family): number {
  if (!Number.isInteger(mtu) || mtu < SMALLEST_MTU[family]) {
    throw new RangeError(
      `an MTU of ${mtu} is none of IPv${family}: pass a whole number of bytes from ${SMALLEST_MTU[family]}`,
    );
  }
  return Math.min(mtu - HEADERS[family], LARGEST_DATAGRAM[family]);
}
