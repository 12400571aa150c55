import { addressFromBytes, type Address, type Family } from '@flannel-ts/ip';
import type { Malformed } from './malformed.ts';
import { View } from './view.ts';

/** What IPv4 and IPv6 headers have in common, so that what is above IP has one path for both. */
export abstract class IpView extends View {
  abstract readonly family: Family;

  /**
   * Like {@link View.read} for the beginning of a packet, as an ICMP error quotes it: what is missing at its
   * end is no fault as long as the header is whole.
   */
  abstract readQuoted(bytes: Uint8Array, start?: number, end?: number): Malformed | undefined;

  /** The protocol of the payload, see {@link PROTOCOL}; behind IPv6 extension headers. */
  abstract get protocol(): number;

  /** Routers that the packet may still pass: IPv4's time to live. */
  abstract get hopLimit(): number;

  /** Differentiated services and congestion notification: IPv4's type of service. */
  abstract get trafficClass(): number;

  /** Position of the payload in the packet that was fragmented, in bytes. */
  abstract get fragmentOffset(): number;

  /** Whether this is a fragment and not the last one. */
  abstract get moreFragments(): boolean;

  /** What the fragments of one packet have in common; IPv6 has it in fragments only, otherwise it is 0. */
  abstract get identification(): number;

  /** Length in bytes of the whole packet, as its header says; more than is there, when it was quoted. */
  abstract get totalBytes(): number;

  /** Where the source address begins in the buffer; the destination follows it. */
  abstract get sourceAt(): number;

  /** Where the destination address begins in the buffer. */
  get destinationAt(): number {
    return this.sourceAt + this.#addressBytes;
  }

  /** Whether the payload is only a part of the packet that was sent. */
  get isFragment(): boolean {
    return this.moreFragments || this.fragmentOffset > 0;
  }

  /** The source address as a value; makes one, so not for hot paths. */
  source(): Address {
    return this.#address(this.sourceAt);
  }

  /** The destination address as a value; makes one, so not for hot paths. */
  destination(): Address {
    return this.#address(this.destinationAt);
  }

  #address(at: number): Address {
    return addressFromBytes(this.bytes.subarray(at, at + this.#addressBytes));
  }

  get #addressBytes(): number {
    return this.family === 4 ? 4 : 16;
  }
}

/** What the headers of both families are written from. */
export interface IpFields {
  /** 4 or 16 bytes, as `Address.toBytes` makes them; keep them with the peer. */
  readonly source: Uint8Array;
  /** As many bytes as the source. */
  readonly destination: Uint8Array;
  /** See {@link PROTOCOL}. */
  readonly protocol: number;
  /** Length of what follows the header, in bytes. */
  readonly payloadBytes: number;
  /** IPv4's time to live. */
  readonly hopLimit: number;
  /** IPv4's type of service. @default 0 */
  readonly trafficClass?: number;
}
