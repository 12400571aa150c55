import {
  add,
  and,
  call,
  divide,
  helper,
  jump,
  jumpIf,
  label,
  load,
  loadMap,
  move,
  multiply,
  register,
  shiftLeft,
  shiftRight,
  skb,
  store,
  subtract,
  toNetworkOrder,
  type BpfMap,
  type Code,
  type Register,
} from '@flannel-ts/bpf';
import { prefixKey, prefixLengths } from './prefix-entry.ts';
import type { PrefixTable } from './prefix-table.ts';

// What both directions do. Programs keep the context in r6; addresses and ports stay in network byte order, as in packets.

/** In network byte order, as a little-endian machine reads it from a packet. */
export const networkOrder = (value: number) => ((value & 0xff) << 8) | (value >> 8);

export const ETHERNET_BYTES = 14;
/** The header without options. */
export const IPV4_BYTES = 20;
/** What the tunnel puts before a packet: IPv4 and UDP. */
export const OUTER_BYTES = IPV4_BYTES + 8;
/** What the receiver puts behind that, for the decapsulating device: VXLAN and Ethernet. */
export const INSERTED_BYTES = 8 + ETHERNET_BYTES;
/** An outer packet has room for all that the receiver puts in. */
export const LONGEST_OUTER_PACKET = 65_535 - INSERTED_BYTES;
/** Of an IPv4 header, up to its checksum: what changes with the TTL. */
export const CHANGED_BYTES = 12;

/** Offsets in an IPv4 header (RFC 791). */
export const ip = {
  version: 0,
  totalLength: 2,
  fragment: 6,
  ttl: 8,
  protocol: 9,
  checksum: 10,
  source: 12,
  destination: 16,
} as const;
/** Offsets in the UDP header behind an IPv4 header (RFC 768). */
export const udp = { source: 20, destination: 22, length: 24, checksum: 26 } as const;

export const PROTOCOL = { TCP: 6, UDP: 17 } as const;
/** Don't fragment. */
export const DF = networkOrder(0x4000);
/** More fragments, or a fragment's offset. */
export const FRAGMENT = networkOrder(0x3fff);
export const IPV4_ETHERTYPE = networkOrder(0x0800);

/** Reads `bytes` of the packet at `offset` (a register's content plus a number) to the stack at `to`. */
export function loadBytes(
  offset: { readonly register?: Register; readonly plus: number },
  to: number,
  bytes: number,
  otherwise: string,
): Code {
  return [
    move(2, offset.register === undefined ? 0 : register(offset.register)),
    add(2, offset.plus),
    move(1, register(6)),
    move(3, register(10)),
    add(3, to),
    move(4, bytes),
    call(helper.skbLoadBytes),
    jumpIf(0, '!=', 0, otherwise),
  ];
}

/** Leaves for `otherwise` unless the header on the stack at `header` is IPv4 with a TTL left; its length goes to r9. */
export function checkInnerHeader(header: number, otherwise: string): Code {
  return [
    load(8, 2, 10, header + ip.version),
    move(9, register(2)),
    and(2, 0xf0),
    jumpIf(2, '!=', 0x40, otherwise),
    and(9, 0x0f),
    shiftLeft(9, 2),
    jumpIf(9, '<', IPV4_BYTES, otherwise),
    load(8, 2, 10, header + ip.ttl),
    jumpIf(2, '<=', 1, otherwise),
  ];
}

/**
 * Turns r9 from the length of the inner IP header, which is on the stack at `header` and in the packet at `offset`, to
 * that of all headers that segmentation repeats. Zero for a packet that is not to be segmented.
 */
export function measureHeaders(header: number, offset: number, scratch: number, otherwise: string): Code {
  const [segmented, tcp, measured] = ['segmented', 'tcp', 'measured'];
  return [
    load(32, 2, 6, skb.gsoSize),
    jumpIf(2, '!=', 0, segmented),
    move(9, 0),
    jump(measured),
    label(segmented),
    load(8, 2, 10, header + ip.protocol),
    jumpIf(2, '==', PROTOCOL.TCP, tcp),
    jumpIf(2, '!=', PROTOCOL.UDP, otherwise),
    add(9, 8),
    jump(measured),
    label(tcp),
    // The data offset: 32-bit words, in the upper four bits (RFC 9293, section 3.1).
    loadBytes({ register: 9, plus: offset + 12 }, scratch, 1, otherwise),
    load(8, 2, 10, scratch),
    and(2, 0xf0),
    shiftRight(2, 2),
    add(9, register(2)),
    label(measured),
  ];
}

/**
 * Finds the longest prefix of the address on the stack at `address`, with keys on the stack at `key`; its entry's address goes
 * to r0. Uses r7.
 */
export function findPrefix(
  { entries, lengths }: Pick<PrefixTable, 'entries' | 'lengths'>,
  address: number,
  key: number,
  otherwise: string,
): Code {
  const found = `found ${address}`;
  const tryLength = (index: number): Code => [
    load(32, 3, 7, 4 * index),
    jumpIf(3, '==', 0, otherwise),
    store(32, 10, key + prefixKey.length, register(3)),
    load(32, 2, 10, address),
    toNetworkOrder(32, 2),
    move(4, 32),
    subtract(4, register(3)),
    shiftRight(2, register(4)),
    shiftLeft(2, register(4)),
    store(32, 10, key + prefixKey.network, register(2)),
    lookUp(entries, key),
    jumpIf(0, '!=', 0, found),
  ];
  return [
    store(32, 10, key, 0),
    lookUp(lengths, key),
    jumpIf(0, '==', 0, otherwise),
    move(7, register(0)),
    Array.from({ length: prefixLengths }, (_, index) => tryLength(index)),
    jump(otherwise),
    label(found),
  ];
}

function lookUp(map: BpfMap, key: number): Code {
  return [loadMap(1, map), move(2, register(10)), add(2, key), call(helper.mapLookupElem)];
}

/** Decrements the TTL of the header on the stack at `header`, and mends its checksum (RFC 1624, equation 3). */
export function decrementTtl(header: number): Code {
  return [
    load(8, 2, 10, header + ip.ttl),
    add(2, -1),
    store(8, 10, header + ip.ttl, register(2)),
    load(16, 2, 10, header + ip.checksum),
    // The TTL is the upper byte of its word, the first in the packet.
    add(2, networkOrder(0x0100)),
    fold(2, 3),
    store(16, 10, header + ip.checksum, register(2)),
  ];
}

/** Folds a sum in ones' complement to 16 bits. */
export function fold(sum: Register, scratch: Register): Code {
  const once = [
    move(scratch, register(sum)),
    and(sum, 0xffff),
    shiftRight(scratch, 16),
    add(sum, register(scratch)),
  ];
  return [once, once];
}

/**
 * What the packet is on the wire: its segments go to r1 and, with the headers of r9 bytes in front of each, their bytes to r2.
 * Its r8 bytes have these headers once. The kernel's own count of segments (gso_segs) may be missing.
 */
export function measureTraffic(): Code {
  return [
    move(1, 1),
    load(32, 3, 6, skb.gsoSize),
    jumpIf(3, '==', 0, 'counted'),
    move(1, register(8)),
    subtract(1, register(9)),
    add(1, register(3)),
    add(1, -1),
    divide(1, register(3)),
    label('counted'),
    move(2, register(1)),
    add(2, -1),
    multiply(2, register(9)),
    add(2, register(8)),
  ];
}

/** Reads a 16-bit number of a packet from the stack, in the machine's byte order. */
export function loadNumber(to: Register, at: number): Code {
  return [load(16, to, 10, at), toNetworkOrder(16, to)];
}

/** linux/bpf.h: room behind the link header; segments and their checksums stay as they are. */
const BPF_ADJ_ROOM_MAC = 1;
const FIXED_GSO = 1 << 0;
const NO_CSUM_RESET = 1 << 5;

/** Makes room for more headers; leaves when the kernel refuses, as it does for a packet that is encapsulated twice. */
export function growHeaders(bytes: number, flags: number, otherwise: string): Code {
  return change(
    helper.skbAdjustRoom,
    [bytes, BPF_ADJ_ROOM_MAC, FIXED_GSO | NO_CSUM_RESET | flags],
    otherwise,
  );
}

/** Calls a helper that changes the packet, with the context as its first argument; leaves when it refuses. */
export function change(helperNumber: number, args: readonly number[], otherwise: string): Code {
  return [
    move(1, register(6)),
    args.map((argument, index) => move((index + 2) as Register, argument)),
    call(helperNumber),
    jumpIf(0, '!=', 0, otherwise),
  ];
}

/** linux/bpf.h: a device may have computed the checksum of the whole packet. */
export const BPF_F_RECOMPUTE_CSUM = 1;

/** Writes `bytes` of the stack at `from` to the packet at `offset`. */
export function storeBytes(
  offset: number,
  from: number,
  bytes: number,
  flags: number,
  otherwise: string,
): Code {
  return [
    move(1, register(6)),
    move(2, offset),
    move(3, register(10)),
    add(3, from),
    move(4, bytes),
    move(5, flags),
    call(helper.skbStoreBytes),
    jumpIf(0, '!=', 0, otherwise),
  ];
}
