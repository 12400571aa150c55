import {
  add,
  and,
  atomicAdd,
  call,
  exit,
  helper,
  jumpIf,
  label,
  load,
  move,
  register,
  shiftRight,
  skb,
  store,
  toNetworkOrder,
  verdict,
  xor,
  type Code,
} from '@flannel-ts/bpf';
import { owner, prefixEntry } from './prefix-entry.ts';
import type { PrefixTable } from './prefix-table.ts';
import {
  change,
  CHANGED_BYTES,
  checkInnerHeader,
  decrementTtl,
  DF,
  ETHERNET_BYTES,
  findPrefix,
  fold,
  growHeaders,
  ip,
  IPV4_BYTES,
  IPV4_ETHERTYPE,
  loadBytes,
  loadNumber,
  LONGEST_OUTER_PACKET,
  measureHeaders,
  measureTraffic,
  networkOrder,
  OUTER_BYTES,
  PROTOCOL,
  storeBytes,
  udp,
} from './snippets.ts';

/** linux/bpf.h: what bpf_skb_adjust_room makes of the packet. */
const ENCAP_L3_IPV4 = 1 << 1;
const ENCAP_L4_UDP = 1 << 4;

/** linux/bpf.h: struct bpf_fib_lookup and struct bpf_redir_neigh. */
const fib = {
  family: 0,
  protocol: 1,
  sourcePort: 2,
  destinationPort: 4,
  length: 6,
  link: 8,
  source: 16,
  destination: 32,
};
const fibBytes = 64;
const neighBytes = 20;
const AF_INET = 2;
/** Routing rules of packets that this host sends itself name the loopback device (`ip rule … iif lo`). */
const LOOPBACK_INDEX = 1;

const OUTER_TTL = 64;

/** On the stack. The inner header comes right behind the outer ones, as in the packet. */
const INNER = -IPV4_BYTES;
const OUTER = INNER - OUTER_BYTES;
const KEY = OUTER - 8;
const FIB = KEY - fibBytes;
const NEIGH = FIB - neighBytes;
const SCRATCH = NEIGH - 4;

export interface TransmitOptions {
  readonly table: PrefixTable;
  /** Where outer packets come from, in network byte order. */
  readonly local: { readonly address: number; readonly port: number };
}

/**
 * Encapsulates what leaves by the TUN device, segmentation still ahead of it, and hands it to the device that leads to
 * the peer. What it is not sure of goes on to user space: no route, a peer without the fast path, a TTL at its end,
 * a packet too large for the path, one that is encapsulated already.
 */
export function transmitProgram({ table, local }: TransmitOptions): Code {
  return [
    move(6, register(1)),
    load(32, 2, 6, skb.protocol),
    jumpIf(2, '!=', IPV4_ETHERTYPE, 'next'),
    loadBytes({ plus: 0 }, INNER, IPV4_BYTES, 'next'),
    checkInnerHeader(INNER, 'next'),
    load(32, 8, 6, skb.len),
    loadNumber(2, INNER + ip.totalLength),
    jumpIf(2, '!=', register(8), 'next'),
    jumpIf(8, '>', LONGEST_OUTER_PACKET - OUTER_BYTES, 'next'),
    findPrefix(table, INNER + ip.destination, KEY, 'next'),
    move(7, register(0)),
    load(8, 2, 7, prefixEntry.owner),
    jumpIf(2, '!=', owner.fastPeer, 'next'),
    measureHeaders(INNER, 0, SCRATCH, 'next'),
    findPath(local),
    writeOuterHeaders(local),
    decrementTtl(INNER),
    growHeaders(OUTER_BYTES, ENCAP_L3_IPV4 | ENCAP_L4_UDP, 'next'),
    storeBytes(0, OUTER, OUTER_BYTES + CHANGED_BYTES, 0, 'drop'),
    // bpf_redirect_neigh replaces this link header by the device's own.
    change(helper.skbChangeHead, [ETHERNET_BYTES, 0], 'drop'),
    measureTraffic(),
    atomicAdd(7, prefixEntry.sent, 1),
    atomicAdd(7, prefixEntry.sent + 8, 2),
    redirectToPeer(),
    exit,
    label('drop'),
    move(0, verdict.drop),
    exit,
    label('next'),
    move(0, verdict.next),
    exit,
  ];
}

/**
 * Asks for the route to the peer; leaves when there is none, or the largest segment does not fit its MTU, or the next hop's
 * link address is not known yet: a packet that waits for it would come back by the TUN device.
 */
function findPath(local: TransmitOptions['local']): Code {
  const largestSegment = [
    load(32, 2, 6, skb.gsoSize),
    add(2, register(9)),
    jumpIf(2, '!=', 0, 'sized'),
    move(2, register(8)),
    label('sized'),
    add(2, OUTER_BYTES),
  ];
  const zeros = Array.from({ length: fibBytes / 8 }, (_, index) => store(64, 10, FIB + 8 * index, 0));
  return [
    zeros,
    store(8, 10, FIB + fib.family, AF_INET),
    store(8, 10, FIB + fib.protocol, PROTOCOL.UDP),
    move(2, local.port),
    store(16, 10, FIB + fib.sourcePort, register(2)),
    load(16, 2, 7, prefixEntry.port),
    store(16, 10, FIB + fib.destinationPort, register(2)),
    largestSegment,
    store(16, 10, FIB + fib.length, register(2)),
    store(32, 10, FIB + fib.link, LOOPBACK_INDEX),
    move(2, local.address),
    store(32, 10, FIB + fib.source, register(2)),
    load(32, 2, 7, prefixEntry.address),
    store(32, 10, FIB + fib.destination, register(2)),
    move(1, register(6)),
    move(2, register(10)),
    add(2, FIB),
    move(3, fibBytes),
    move(4, 0),
    call(helper.fibLookup),
    jumpIf(0, '!=', 0, 'next'),
    // An IPv6 gateway of an IPv4 route.
    load(8, 2, 10, FIB + fib.family),
    jumpIf(2, '!=', AF_INET, 'next'),
  ];
}

/** The outer packet must not be fragmented, so that path-MTU discovery works; its UDP checksum is zero, as VXLAN's is. */
function writeOuterHeaders({ address, port }: TransmitOptions['local']): Code {
  const versionAndLength = 0x45;
  const ttlAndProtocol = networkOrder((OUTER_TTL << 8) | PROTOCOL.UDP);
  const constant = versionAndLength + DF + ttlAndProtocol + (address & 0xffff) + (address >>> 16);
  return [
    store(16, 10, OUTER + ip.version, versionAndLength),
    move(2, register(8)),
    add(2, OUTER_BYTES),
    toNetworkOrder(16, 2),
    store(16, 10, OUTER + ip.totalLength, register(2)),
    store(16, 10, OUTER + ip.totalLength + 2, 0),
    store(16, 10, OUTER + ip.fragment, DF),
    store(16, 10, OUTER + ip.ttl, ttlAndProtocol),
    move(3, address),
    store(32, 10, OUTER + ip.source, register(3)),
    load(32, 3, 7, prefixEntry.address),
    store(32, 10, OUTER + ip.destination, register(3)),
    // The checksum: the total length in r2, the peer's address in r3, and what is always the same.
    move(4, register(3)),
    shiftRight(4, 16),
    and(3, 0xffff),
    add(2, register(3)),
    add(2, register(4)),
    add(2, constant),
    fold(2, 3),
    xor(2, 0xffff),
    store(16, 10, OUTER + ip.checksum, register(2)),
    move(2, port),
    store(16, 10, OUTER + udp.source, register(2)),
    load(16, 2, 7, prefixEntry.port),
    store(16, 10, OUTER + udp.destination, register(2)),
    move(2, register(8)),
    add(2, OUTER_BYTES - IPV4_BYTES),
    toNetworkOrder(16, 2),
    store(16, 10, OUTER + udp.length, register(2)),
    store(16, 10, OUTER + udp.checksum, 0),
  ];
}

/** Hands the packet to the device and the next hop that the route names; the kernel resolves the neighbour. */
function redirectToPeer(): Code {
  return [
    store(32, 10, NEIGH, AF_INET),
    load(32, 2, 10, FIB + fib.destination),
    store(32, 10, NEIGH + 4, register(2)),
    [8, 12, 16].map((offset) => store(32, 10, NEIGH + offset, 0)),
    load(32, 1, 10, FIB + fib.link),
    move(2, register(10)),
    add(2, NEIGH),
    move(3, neighBytes),
    move(4, 0),
    call(helper.redirectNeigh),
  ];
}
