import { writeU16 } from './bytes.ts';
import { requireBytes, requireInteger, requireRoom } from './encode-error.ts';
import { MAC_BYTES } from './mac.ts';
import { Malformed } from './malformed.ts';
import { View } from './view.ts';

/** Length of an Ethernet header in bytes, without a VLAN tag or frame check sequence. */
export const ETHERNET_HEADER_BYTES = 14;

/**
 * An Ethernet II header (RFC 894, IEEE 802.3). Its payload may end with padding up to 60 bytes.
 *
 *      0                   1                   2                   3
 *      0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1
 *     +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
 *     |                    Destination MAC Address                    |
 *     +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
 *     |    Destination (continued)    |      Source MAC Address       |
 *     +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
 *     |                      Source (continued)                       |
 *     +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
 *     |           EtherType           |
 *     +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
 */
export class EthernetView extends View {
  read(bytes: Uint8Array, start = 0, end = bytes.length): Malformed | undefined {
    const limit = Math.min(end, bytes.length);
    if (start + ETHERNET_HEADER_BYTES > limit) return new Malformed('ethernet', limit, 'truncated');
    this.place(bytes, start, start + ETHERNET_HEADER_BYTES, limit);
    return undefined;
  }

  /** Where the destination's 6 bytes begin in the buffer. */
  get destinationAt(): number {
    return this.start;
  }

  /** Where the source's 6 bytes begin in the buffer. */
  get sourceAt(): number {
    return this.start + MAC_BYTES;
  }

  /** What the payload is, see {@link ETHER_TYPE}; below 0x600 the length of an IEEE 802.3 frame. */
  get etherType(): number {
    return this.u16(12);
  }
}

export interface EthernetFields {
  /** 6 bytes, see {@link parseMac}. */
  readonly destination: Uint8Array;
  /** 6 bytes. */
  readonly source: Uint8Array;
  /** See {@link ETHER_TYPE}. */
  readonly etherType: number;
}

/** Writes an Ethernet header. @returns the index behind it. @throws {EncodeError} */
export function writeEthernet(
  bytes: Uint8Array,
  at: number,
  { destination, source, etherType }: EthernetFields,
): number {
  requireRoom('ethernet', bytes, at, ETHERNET_HEADER_BYTES);
  requireBytes('ethernet', 'destination', destination, MAC_BYTES);
  requireBytes('ethernet', 'source', source, MAC_BYTES);
  requireInteger('ethernet', 'etherType', etherType, 0xffff);
  bytes.set(destination, at);
  bytes.set(source, at + MAC_BYTES);
  writeU16(bytes, at + 12, etherType);
  return at + ETHERNET_HEADER_BYTES;
}
