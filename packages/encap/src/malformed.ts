/** The codec that found or refused something. */
export type Layer = 'ethernet' | 'ip' | 'ipv4' | 'ipv6' | 'udp' | 'vxlan' | 'icmp' | 'icmpv6';

/**
 * What is wrong with a packet:
 *
 * - `truncated`: it ends before its header, or before the length that the header states;
 * - `version`: it is not of the IP version asked for, or of none;
 * - `header-length`: the header says that it is shorter than its fixed part;
 * - `length`: the packet says that it is shorter than its header;
 * - `flags`: a flag that must be set is not;
 * - `extension-headers`: more IPv6 extension headers than anybody has use for.
 */
export type MalformedReason =
  'truncated' | 'version' | 'header-length' | 'length' | 'flags' | 'extension-headers';

const TEXTS: Readonly<Record<MalformedReason, string>> = {
  truncated: 'the packet ends too early',
  version: 'not this version of IP',
  'header-length': 'the header length is too small',
  length: 'the length is smaller than the header',
  flags: 'a required flag is not set',
  'extension-headers': 'too many extension headers',
};

/** A packet that is none: a value that a view's `read` returns. Nothing throws because of what a packet says. */
export class Malformed {
  readonly kind = 'malformed';
  readonly layer: Layer;
  /** Index in the buffer of the byte that is wrong; of the first one that is missing, when `truncated`. */
  readonly offset: number;
  readonly reason: MalformedReason;

  constructor(layer: Layer, offset: number, reason: MalformedReason) {
    this.layer = layer;
    this.offset = offset;
    this.reason = reason;
    Object.freeze(this);
  }

  /** `ipv4 at byte 34: the packet ends too early` */
  toString(): string {
    return `${this.layer} at byte ${this.offset}: ${TEXTS[this.reason]}`;
  }
}
