import { writeU16 } from './bytes.ts';
import { requireInteger, requireRoom } from './encode-error.ts';
import { Malformed } from './malformed.ts';
import { View } from './view.ts';

/** Length of a UDP header in bytes. */
export const UDP_HEADER_BYTES = 8;

/**
 * A UDP header (RFC 768). Its checksum covers a pseudo-header of the IP header in front of it, see
 * {@link transportChecksumState}.
 *
 *      0                   1                   2                   3
 *      0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1
 *     +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
 *     |          Source Port          |       Destination Port        |
 *     +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
 *     |            Length             |           Checksum            |
 *     +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
 */
export class UdpView extends View {
  read(bytes: Uint8Array, start = 0, end = bytes.length): Malformed | undefined {
    const limit = Math.min(end, bytes.length);
    const malformed = this.readQuoted(bytes, start, limit);
    if (malformed) return malformed;
    return start + this.length > limit ? new Malformed('udp', limit, 'truncated') : undefined;
  }

  /** Like {@link View.read} for the beginning of a datagram, as an ICMP error quotes it. */
  readQuoted(bytes: Uint8Array, start = 0, end = bytes.length): Malformed | undefined {
    const limit = Math.min(end, bytes.length);
    const payloadStart = start + UDP_HEADER_BYTES;
    if (payloadStart > limit) return new Malformed('udp', limit, 'truncated');
    this.place(bytes, start, payloadStart, limit);
    const { length } = this;
    if (length < UDP_HEADER_BYTES) return new Malformed('udp', start + 4, 'length');
    this.place(bytes, start, payloadStart, Math.min(start + length, limit));
    return undefined;
  }

  get sourcePort(): number {
    return this.u16(0);
  }

  get destinationPort(): number {
    return this.u16(2);
  }

  /** Length in bytes of header and payload, as the header says. */
  get length(): number {
    return this.u16(4);
  }

  /** Right or wrong; 0 over IPv4 means that there is none. */
  get checksum(): number {
    return this.u16(6);
  }
}

export interface UdpFields {
  readonly sourcePort: number;
  readonly destinationPort: number;
  /** Length of what follows the header, in bytes. */
  readonly payloadBytes: number;
}

/**
 * Writes a UDP header without a checksum, which is enough over IPv4; {@link setTransportChecksum} adds it.
 *
 * @returns the index behind it.
 * @throws {EncodeError}
 */
export function writeUdp(
  bytes: Uint8Array,
  at: number,
  { sourcePort, destinationPort, payloadBytes }: UdpFields,
): number {
  requireRoom('udp', bytes, at, UDP_HEADER_BYTES);
  requireInteger('udp', 'sourcePort', sourcePort, 0xffff);
  requireInteger('udp', 'destinationPort', destinationPort, 0xffff);
  requireInteger('udp', 'payloadBytes', payloadBytes, 0xffff - UDP_HEADER_BYTES);
  writeU16(bytes, at, sourcePort);
  writeU16(bytes, at + 2, destinationPort);
  writeU16(bytes, at + 4, UDP_HEADER_BYTES + payloadBytes);
  writeU16(bytes, at + 6, 0);
  return at + UDP_HEADER_BYTES;
}
