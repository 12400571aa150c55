import type { Family } from '@flannel-ts/ip';
import { writeU16, writeU32 } from './bytes.ts';
import { EncodeError, requireInteger, requireRoom } from './encode-error.ts';
import { FRAGMENTATION_NEEDED, icmpKind, icmpType, quotesPacket, type IcmpKind } from './icmp-kind.ts';
import { Malformed, type Layer } from './malformed.ts';
import { View } from './view.ts';

/** Length in bytes of an ICMP or ICMPv6 header with the four bytes that depend on the type. */
export const ICMP_HEADER_BYTES = 8;

/**
 * An ICMP header (RFC 792) or ICMPv6 header (RFC 4443). The payload is an echo's data, or the quoted
 * beginning of the packet that an error is about: see {@link IpView.readQuoted}.
 *
 *      0                   1                   2                   3
 *      0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1
 *     +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
 *     |     Type      |     Code      |           Checksum            |
 *     +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
 *     |           Identifier          |        Sequence Number        | echo
 *     +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
 *     |             Unused            |              MTU              | too big (RFC 1191)
 *     +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
 *     |                              MTU                              | too big, ICMPv6
 *     +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
 *     |    Pointer    |                    Unused                     | parameter problem
 *     +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
 *     |                            Pointer                            | parameter problem, ICMPv6
 *     +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
 */
export class IcmpView extends View {
  readonly family: Family;

  /** @param family - 4 for ICMP, 6 for ICMPv6 */
  constructor(family: Family) {
    super();
    this.family = family;
  }

  read(bytes: Uint8Array, start = 0, end = bytes.length): Malformed | undefined {
    const limit = Math.min(end, bytes.length);
    const payloadStart = start + ICMP_HEADER_BYTES;
    if (payloadStart > limit) return new Malformed(layerOf(this.family), limit, 'truncated');
    this.place(bytes, start, payloadStart, limit);
    return undefined;
  }

  get type(): number {
    return this.u8(0);
  }

  get code(): number {
    return this.u8(1);
  }

  get kind(): IcmpKind {
    return icmpKind(this.family, this.type, this.code);
  }

  /** Right or wrong, see {@link transportChecksumState}. */
  get checksum(): number {
    return this.u16(2);
  }

  /** Whether the payload quotes the packet that this is about. */
  get quotesPacket(): boolean {
    return quotesPacket(this.family, this.type);
  }

  /** Of an echo. */
  get identifier(): number {
    return this.u16(4);
  }

  /** Of an echo. */
  get sequence(): number {
    return this.u16(6);
  }

  /** Of a `too-big`: bytes that fit; 0 from an IPv4 router that is older than RFC 1191. */
  get mtu(): number {
    return this.family === 4 ? this.u16(6) : this.u32(4);
  }

  /** Of a `parameter-problem`: index in the quoted packet of the byte that was wrong. */
  get pointer(): number {
    return this.family === 4 ? this.u8(4) : this.u32(4);
  }
}

/** What a message says; an error's `code` is a number of its family, such as 0 for no route. */
export type IcmpFields = { readonly family: Family } & (
  | { readonly kind: 'echo-request' | 'echo-reply'; readonly identifier: number; readonly sequence: number }
  | { readonly kind: 'too-big'; readonly mtu: number }
  | { readonly kind: 'parameter-problem'; readonly code: number; readonly pointer: number }
  | { readonly kind: 'unreachable' | 'time-exceeded'; readonly code: number }
);

/**
 * Writes an ICMP or ICMPv6 header without its checksum: {@link setTransportChecksum} adds it when the
 * payload is behind the header.
 *
 * @returns the index behind it.
 * @throws {EncodeError}
 */
export function writeIcmp(bytes: Uint8Array, at: number, fields: IcmpFields): number {
  const { family, kind } = fields;
  const layer = layerOf(family);
  requireRoom(layer, bytes, at, ICMP_HEADER_BYTES);
  const code = codeOf(layer, fields);
  const rest = restOf(layer, fields);
  bytes[at] = icmpType(family, kind);
  bytes[at + 1] = code;
  writeU16(bytes, at + 2, 0);
  writeU32(bytes, at + 4, rest);
  return at + ICMP_HEADER_BYTES;
}

function layerOf(family: Family): Layer {
  return family === 4 ? 'icmp' : 'icmpv6';
}

function codeOf(layer: Layer, fields: IcmpFields): number {
  if (fields.kind === 'too-big') return fields.family === 4 ? FRAGMENTATION_NEEDED : 0;
  if (!('code' in fields)) return 0;
  requireInteger(layer, 'code', fields.code, 0xff);
  if (layer === 'icmp' && fields.kind === 'unreachable' && fields.code === FRAGMENTATION_NEEDED) {
    throw new EncodeError(layer, 'code', `${fields.code} needs an MTU: want the kind too-big`);
  }
  return fields.code;
}

/** The four bytes that depend on the type. */
function restOf(layer: Layer, fields: IcmpFields): number {
  switch (fields.kind) {
    case 'echo-request':
    case 'echo-reply':
      requireInteger(layer, 'identifier', fields.identifier, 0xffff);
      requireInteger(layer, 'sequence', fields.sequence, 0xffff);
      return fields.identifier * 0x10000 + fields.sequence;
    case 'too-big':
      requireInteger(layer, 'mtu', fields.mtu, fields.family === 4 ? 0xffff : 0xffffffff);
      return fields.mtu;
    case 'parameter-problem':
      requireInteger(layer, 'pointer', fields.pointer, fields.family === 4 ? 0xff : 0xffffffff);
      return fields.family === 4 ? fields.pointer * 0x1000000 : fields.pointer;
    default:
      return 0;
  }
}
