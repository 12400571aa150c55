import { writeU16 } from './bytes.ts';
import { internetChecksum } from './checksum.ts';
import { EncodeError, requireBytes, requireInteger, requireRoom } from './encode-error.ts';
import { IpView, type IpFields } from './ip-view.ts';
import { Malformed } from './malformed.ts';

/** Length of an IPv4 header without options, in bytes. */
export const IPV4_HEADER_BYTES = 20;

const ADDRESS_BYTES = 4;
const MAX_OPTIONS_BYTES = 40;
const DONT_FRAGMENT = 0x4000;
const MORE_FRAGMENTS = 0x2000;
const FRAGMENT_OFFSET = 0x1fff;

/**
 * An IPv4 header (RFC 791). What is in the buffer behind the total length, such as Ethernet's padding, is
 * no part of the packet.
 *
 *      0                   1                   2                   3
 *      0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1
 *     +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
 *     |Version|  IHL  |Type of Service|          Total Length         |
 *     +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
 *     |         Identification        |0|D|M|     Fragment Offset     |
 *     +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
 *     |  Time to Live |    Protocol   |        Header Checksum        |
 *     +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
 *     |                         Source Address                        |
 *     +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
 *     |                      Destination Address                      |
 *     +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
 *     |                 Options, up to 40 bytes                       |
 *     +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
 */
export class Ipv4View extends IpView {
  readonly family = 4;

  read(bytes: Uint8Array, start = 0, end = bytes.length): Malformed | undefined {
    const limit = Math.min(end, bytes.length);
    const malformed = this.readQuoted(bytes, start, limit);
    if (malformed) return malformed;
    return start + this.totalBytes > limit ? new Malformed('ipv4', limit, 'truncated') : undefined;
  }

  readQuoted(bytes: Uint8Array, start = 0, end = bytes.length): Malformed | undefined {
    const limit = Math.min(end, bytes.length);
    if (start >= limit) return new Malformed('ipv4', limit, 'truncated');
    if (bytes[start]! >> 4 !== 4) return new Malformed('ipv4', start, 'version');
    const headerBytes = (bytes[start]! & 0xf) * 4;
    if (headerBytes < IPV4_HEADER_BYTES) return new Malformed('ipv4', start, 'header-length');
    if (start + headerBytes > limit) return new Malformed('ipv4', limit, 'truncated');
    this.place(bytes, start, start + headerBytes, limit);
    const { totalBytes } = this;
    if (totalBytes < headerBytes) return new Malformed('ipv4', start + 2, 'length');
    this.place(bytes, start, start + headerBytes, Math.min(start + totalBytes, limit));
    return undefined;
  }

  get trafficClass(): number {
    return this.u8(1);
  }

  get totalBytes(): number {
    return this.u16(2);
  }

  get identification(): number {
    return this.u16(4);
  }

  /** DF: routers must not fragment the packet. */
  get dontFragment(): boolean {
    return (this.u16(6) & DONT_FRAGMENT) !== 0;
  }

  get moreFragments(): boolean {
    return (this.u16(6) & MORE_FRAGMENTS) !== 0;
  }

  get fragmentOffset(): number {
    return (this.u16(6) & FRAGMENT_OFFSET) * 8;
  }

  get hopLimit(): number {
    return this.u8(8);
  }

  get protocol(): number {
    return this.u8(9);
  }

  /** The header checksum, right or wrong. */
  get checksum(): number {
    return this.u16(10);
  }

  get sourceAt(): number {
    return this.start + 12;
  }

  /** The source address as an unsigned 32-bit integer. */
  get sourceWord(): number {
    return this.u32(12);
  }

  /** The destination address as an unsigned 32-bit integer. */
  get destinationWord(): number {
    return this.u32(16);
  }

  /** Where options begin in the buffer; they end at `payloadStart`. */
  get optionsStart(): number {
    return this.start + IPV4_HEADER_BYTES;
  }

  /** Whether the header checksum is right; reading does not ask. */
  verifyChecksum(): boolean {
    return internetChecksum(this.bytes, this.start, this.payloadStart) === 0;
  }
}

export interface Ipv4Fields extends IpFields {
  /** What fragments of one packet have in common, 16 bits. @default 0 */
  readonly identification?: number;
  /** @default false */
  readonly dontFragment?: boolean;
  /** @default false */
  readonly moreFragments?: boolean;
  /** In bytes, a multiple of 8. @default 0 */
  readonly fragmentOffset?: number;
  /** Options with their padding: a multiple of 4 bytes, 40 at most. @default none */
  readonly options?: Uint8Array;
}

/** Writes an IPv4 header with its checksum. @returns the index behind it. @throws {EncodeError} */
export function writeIpv4(bytes: Uint8Array, at: number, fields: Ipv4Fields): number {
  const { hopLimit, protocol, trafficClass = 0, identification = 0, fragmentOffset = 0, options } = fields;
  const headerBytes = IPV4_HEADER_BYTES + (options?.length ?? 0);
  check(bytes, at, fields, headerBytes);
  bytes[at] = 0x40 | (headerBytes / 4);
  bytes[at + 1] = trafficClass;
  writeU16(bytes, at + 2, headerBytes + fields.payloadBytes);
  writeU16(bytes, at + 4, identification);
  const flags = (fields.dontFragment ? DONT_FRAGMENT : 0) | (fields.moreFragments ? MORE_FRAGMENTS : 0);
  writeU16(bytes, at + 6, flags | (fragmentOffset / 8));
  bytes[at + 8] = hopLimit;
  bytes[at + 9] = protocol;
  writeU16(bytes, at + 10, 0);
  bytes.set(fields.source, at + 12);
  bytes.set(fields.destination, at + 16);
  if (options) bytes.set(options, at + IPV4_HEADER_BYTES);
  writeU16(bytes, at + 10, internetChecksum(bytes, at, at + headerBytes));
  return at + headerBytes;
}

function check(bytes: Uint8Array, at: number, fields: Ipv4Fields, headerBytes: number): void {
  const { fragmentOffset = 0 } = fields;
  if (headerBytes > IPV4_HEADER_BYTES + MAX_OPTIONS_BYTES || headerBytes % 4 !== 0) {
    throw new EncodeError('ipv4', 'options', `must be a multiple of 4 bytes, ${MAX_OPTIONS_BYTES} at most`);
  }
  requireRoom('ipv4', bytes, at, headerBytes);
  requireBytes('ipv4', 'source', fields.source, ADDRESS_BYTES);
  requireBytes('ipv4', 'destination', fields.destination, ADDRESS_BYTES);
  requireInteger('ipv4', 'protocol', fields.protocol, 0xff);
  requireInteger('ipv4', 'payloadBytes', fields.payloadBytes, 0xffff - headerBytes);
  requireInteger('ipv4', 'hopLimit', fields.hopLimit, 0xff);
  requireInteger('ipv4', 'trafficClass', fields.trafficClass ?? 0, 0xff);
  requireInteger('ipv4', 'identification', fields.identification ?? 0, 0xffff);
  requireInteger('ipv4', 'fragmentOffset', fragmentOffset, FRAGMENT_OFFSET * 8);
  if (fragmentOffset % 8 !== 0) {
    throw new EncodeError('ipv4', 'fragmentOffset', `must be a multiple of 8 bytes, not ${fragmentOffset}`);
  }
}
