import { writeU16, writeU32 } from './bytes.ts';
import { requireBytes, requireInteger, requireRoom } from './encode-error.ts';
import { ExtensionHeaders } from './extension-headers.ts';
import { IpView, type IpFields } from './ip-view.ts';
import { Malformed } from './malformed.ts';

/** Length of an IPv6 header without extension headers, in bytes. */
export const IPV6_HEADER_BYTES = 40;

const ADDRESS_BYTES = 16;

/**
 * An IPv6 header with its extension headers (RFC 8200): the payload begins behind them. What is in the
 * buffer behind the payload length is no part of the packet.
 *
 *      0                   1                   2                   3
 *      0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1
 *     +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
 *     |Version| Traffic Class |           Flow Label                  |
 *     +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
 *     |         Payload Length        |  Next Header  |   Hop Limit   |
 *     +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
 *     |                                                               |
 *     +                    Source Address, 16 bytes                   +
 *     |                                                               |
 *     +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
 *     |                                                               |
 *     +                 Destination Address, 16 bytes                 +
 *     |                                                               |
 *     +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
 */
export class Ipv6View extends IpView {
  readonly family = 6;
  readonly #extensions = new ExtensionHeaders();

  read(bytes: Uint8Array, start = 0, end = bytes.length): Malformed | undefined {
    const limit = Math.min(end, bytes.length);
    const malformed = this.#readFixed(bytes, start, limit);
    if (malformed) return malformed;
    if (start + this.totalBytes > limit) return new Malformed('ipv6', limit, 'truncated');
    return this.#readExtensions();
  }

  readQuoted(bytes: Uint8Array, start = 0, end = bytes.length): Malformed | undefined {
    return this.#readFixed(bytes, start, Math.min(end, bytes.length)) ?? this.#readExtensions();
  }

  #readFixed(bytes: Uint8Array, start: number, limit: number): Malformed | undefined {
    if (start >= limit) return new Malformed('ipv6', limit, 'truncated');
    if (bytes[start]! >> 4 !== 6) return new Malformed('ipv6', start, 'version');
    const payloadStart = start + IPV6_HEADER_BYTES;
    if (payloadStart > limit) return new Malformed('ipv6', limit, 'truncated');
    this.place(bytes, start, payloadStart, limit);
    this.place(bytes, start, payloadStart, Math.min(start + this.totalBytes, limit));
    return undefined;
  }

  #readExtensions(): Malformed | undefined {
    const { bytes, start, payloadStart, payloadEnd } = this;
    const malformed = this.#extensions.walk(bytes, this.u8(6), payloadStart, payloadEnd);
    if (!malformed) this.place(bytes, start, this.#extensions.end, payloadEnd);
    return malformed;
  }

  get trafficClass(): number {
    return (this.u16(0) >> 4) & 0xff;
  }

  /** 20 bits; the same for packets of one flow. */
  get flowLabel(): number {
    return this.u24(1) & 0xfffff;
  }

  get totalBytes(): number {
    return IPV6_HEADER_BYTES + this.u16(4);
  }

  get protocol(): number {
    return this.#extensions.protocol;
  }

  get hopLimit(): number {
    return this.u8(7);
  }

  get sourceAt(): number {
    return this.start + 8;
  }

  get fragmentOffset(): number {
    return this.#extensions.fragmentOffset;
  }

  get moreFragments(): boolean {
    return this.#extensions.moreFragments;
  }

  get identification(): number {
    return this.#extensions.identification;
  }
}

export interface Ipv6Fields extends IpFields {
  /** 20 bits. @default 0 */
  readonly flowLabel?: number;
}

/**
 * Writes an IPv6 header. Extension headers are the caller's: `protocol` is then the type of the first one,
 * and `payloadBytes` counts them.
 *
 * @returns the index behind it.
 * @throws {EncodeError}
 */
export function writeIpv6(bytes: Uint8Array, at: number, fields: Ipv6Fields): number {
  const { protocol, payloadBytes, hopLimit, trafficClass = 0, flowLabel = 0 } = fields;
  requireRoom('ipv6', bytes, at, IPV6_HEADER_BYTES);
  requireBytes('ipv6', 'source', fields.source, ADDRESS_BYTES);
  requireBytes('ipv6', 'destination', fields.destination, ADDRESS_BYTES);
  requireInteger('ipv6', 'protocol', protocol, 0xff);
  requireInteger('ipv6', 'payloadBytes', payloadBytes, 0xffff);
  requireInteger('ipv6', 'hopLimit', hopLimit, 0xff);
  requireInteger('ipv6', 'trafficClass', trafficClass, 0xff);
  requireInteger('ipv6', 'flowLabel', flowLabel, 0xfffff);
  writeU32(bytes, at, 0x60000000 | (trafficClass << 20) | flowLabel);
  writeU16(bytes, at + 4, payloadBytes);
  bytes[at + 6] = protocol;
  bytes[at + 7] = hopLimit;
  bytes.set(fields.source, at + 8);
  bytes.set(fields.destination, at + 24);
  return at + IPV6_HEADER_BYTES;
}
