import type { Family } from '@flannel-ts/ip';
import { readU16, writeU16 } from './bytes.ts';
import { internetChecksum, sumWords } from './checksum.ts';
import { EncodeError } from './encode-error.ts';
import type { IpView } from './ip-view.ts';
import { PROTOCOL } from './numbers.ts';
import { UDP_HEADER_BYTES } from './udp.ts';

/**
 * What is known of the checksum in an IP packet's payload:
 *
 * - `none`: a UDP checksum of zero over IPv4, where the sender may do without (RFC 768);
 * - `unknown`: nothing to compute it from in a fragment or a quoted packet that was cut, or the protocol is
 *   not TCP, UDP or the ICMP of the family.
 *
 * The pseudo-header has the destination of the moment: of a source-routed packet the checksum is `invalid`
 * until its last hop. UDP without a checksum over IPv6 is `invalid` (RFC 8200, 8.1); a tunnel that agreed
 * with its peer on RFC 6935 sees it by `UdpView.checksum`.
 */
export type ChecksumState = 'valid' | 'invalid' | 'none' | 'unknown';

/** Verifies the TCP, UDP, ICMP or ICMPv6 checksum of a packet that was read. */
export function transportChecksumState(ip: IpView): ChecksumState {
  const field = checksumField(ip.family, ip.protocol);
  if (field === undefined || ip.isFragment || ip.start + ip.totalBytes > ip.payloadEnd) return 'unknown';
  const length = coveredBytes(ip, field);
  if (length === undefined) return 'invalid';
  if (ip.protocol === PROTOCOL.udp && readU16(ip.bytes, ip.payloadStart + field) === 0) {
    return ip.family === 4 ? 'none' : 'invalid';
  }
  return checksumOver(ip, length) === 0 ? 'valid' : 'invalid';
}

/**
 * Computes the TCP, UDP, ICMP or ICMPv6 checksum of a packet that was written and read, and writes it into
 * the packet.
 *
 * @throws {EncodeError} for a fragment, a payload that is too short, and any other protocol.
 */
export function setTransportChecksum(ip: IpView): void {
  const layer = ip.family === 4 ? 'ipv4' : 'ipv6';
  const field = checksumField(ip.family, ip.protocol);
  if (field === undefined) throw new EncodeError(layer, 'protocol', `${ip.protocol} has no known checksum`);
  if (ip.isFragment) throw new EncodeError(layer, 'fragmentOffset', 'must be that of a whole packet');
  const length = coveredBytes(ip, field);
  if (length === undefined) throw new EncodeError(layer, 'payloadBytes', 'does not fit the header behind it');
  const at = ip.payloadStart + field;
  writeU16(ip.bytes, at, 0);
  const checksum = checksumOver(ip, length);
  // Zero would say that there is none.
  writeU16(ip.bytes, at, ip.protocol === PROTOCOL.udp && checksum === 0 ? 0xffff : checksum);
}

/** Where the checksum is in the payload. */
function checksumField(family: Family, protocol: number): number | undefined {
  switch (protocol) {
    case PROTOCOL.tcp:
      return 16;
    case PROTOCOL.udp:
      return 6;
    case PROTOCOL.icmp:
      return family === 4 ? 2 : undefined;
    case PROTOCOL.icmpv6:
      return family === 6 ? 2 : undefined;
    default:
      return undefined;
  }
}

/** How much of the payload the checksum covers: UDP has a length of its own. `undefined` if it cannot be. */
function coveredBytes(ip: IpView, field: number): number | undefined {
  const payloadBytes = ip.payloadEnd - ip.payloadStart;
  if (payloadBytes < field + 2) return undefined;
  if (ip.protocol !== PROTOCOL.udp) return payloadBytes;
  const length = readU16(ip.bytes, ip.payloadStart + 4);
  return length < UDP_HEADER_BYTES || length > payloadBytes ? undefined : length;
}

function checksumOver(ip: IpView, length: number): number {
  const { bytes, payloadStart } = ip;
  return internetChecksum(bytes, payloadStart, payloadStart + length, pseudoHeaderSum(ip, length));
}

/**
 * The words of the pseudo-header: both addresses, the length and the protocol (RFC 768; RFC 8200, 8.1).
 * ICMP over IPv4 has none.
 */
function pseudoHeaderSum(ip: IpView, length: number): number {
  if (ip.protocol === PROTOCOL.icmp) return 0;
  const addressBytes = ip.destinationAt - ip.sourceAt;
  return sumWords(ip.bytes, ip.sourceAt, ip.destinationAt + addressBytes, length + ip.protocol);
}
