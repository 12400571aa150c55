import { readU16, readU32 } from './bytes.ts';
import { Malformed } from './malformed.ts';

const HOP_BY_HOP = 0;
const ROUTING = 43;
const FRAGMENT = 44;
const AUTHENTICATION = 51;
const DESTINATION = 60;
const MOBILITY = 135;
const HIP = 139;
const SHIM6 = 140;

/** RFC 8200 has use for seven in one packet. */
const MAX_HEADERS = 8;

/**
 * The chain of extension headers between an IPv6 header and the protocol that it carries (RFC 8200, 4).
 * Each begins alike; an authentication header (RFC 4302) counts its length in units of 4 bytes, and a
 * fragment header has 8 bytes:
 *
 *      0                   1                   2                   3
 *      0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1
 *     +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
 *     |  Next Header  |  Hdr Ext Len  | length in 8 bytes less the first 8
 *     +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
 *     |  Next Header  |    Reserved   |      Fragment Offset    |Res|M|
 *     +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
 *     |                         Identification                        |
 *     +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
 *
 * ESP hides what follows it, so it is a protocol here. Made once for many packets, like a view.
 */
export class ExtensionHeaders {
  /** The first protocol that is no extension header. */
  protocol = 0;
  /** Where it begins in the buffer. */
  end = 0;
  /** In bytes; 0 without a fragment header. */
  fragmentOffset = 0;
  moreFragments = false;
  /** 32 bits; 0 without a fragment header. */
  identification = 0;

  /** Follows the chain from `start`, where a header of type `nextHeader` is: at most 8, none beyond `end`. */
  walk(bytes: Uint8Array, nextHeader: number, start: number, end: number): Malformed | undefined {
    this.fragmentOffset = 0;
    this.moreFragments = false;
    this.identification = 0;
    this.protocol = nextHeader;
    this.end = start;
    // Behind a fragment header that is not the first of its packet there are no more headers.
    for (let count = 0; isExtension(this.protocol) && this.fragmentOffset === 0; count++) {
      if (count === MAX_HEADERS) return new Malformed('ipv6', this.end, 'extension-headers');
      const next = this.end + (this.end + 2 > end ? 8 : lengthOf(this.protocol, bytes[this.end + 1]!));
      if (next > end) return new Malformed('ipv6', end, 'truncated');
      if (this.protocol === FRAGMENT) this.#readFragment(bytes);
      this.protocol = bytes[this.end]!;
      this.end = next;
    }
    return undefined;
  }

  #readFragment(bytes: Uint8Array): void {
    const field = readU16(bytes, this.end + 2);
    this.fragmentOffset = field & 0xfff8;
    this.moreFragments = (field & 1) !== 0;
    this.identification = readU32(bytes, this.end + 4);
  }
}

function isExtension(protocol: number): boolean {
  switch (protocol) {
    case HOP_BY_HOP:
    case ROUTING:
    case FRAGMENT:
    case AUTHENTICATION:
    case DESTINATION:
    case MOBILITY:
    case HIP:
    case SHIM6:
      return true;
    default:
      return false;
  }
}

/** Length of an extension header in bytes. */
function lengthOf(protocol: number, field: number): number {
  if (protocol === FRAGMENT) return 8;
  return protocol === AUTHENTICATION ? (field + 2) * 4 : (field + 1) * 8;
}
