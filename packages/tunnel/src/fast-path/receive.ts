import {
  add,
  atomicAdd,
  call,
  exit,
  helper,
  jumpIf,
  label,
  load,
  move,
  register,
  skb,
  store,
  subtract,
  toNetworkOrder,
  verdict,
  type Code,
} from '@flannel-ts/bpf';
import { decapsulationHeaders } from './decapsulation-link.ts';
import type { Seal } from './deliver.ts';
import { owner, prefixEntry } from './prefix-entry.ts';
import type { PrefixTable } from './prefix-table.ts';
import {
  BPF_F_RECOMPUTE_CSUM,
  checkInnerHeader,
  ETHERNET_BYTES,
  findPrefix,
  fold,
  FRAGMENT,
  growHeaders,
  INSERTED_BYTES,
  ip,
  IPV4_BYTES,
  IPV4_ETHERTYPE,
  loadBytes,
  loadNumber,
  LONGEST_OUTER_PACKET,
  measureHeaders,
  measureTraffic,
  OUTER_BYTES,
  PROTOCOL,
  storeBytes,
  udp,
} from './snippets.ts';

/** linux/bpf.h */
const BPF_F_CURRENT_NETNS = -1;

/** On the stack, in words of four bytes. The outer and the inserted headers are in the order of the packet. */
const INNER = -IPV4_BYTES;
const INSERTED = INNER - INSERTED_BYTES - 2;
const OUTER = INSERTED - OUTER_BYTES;
const KEY = OUTER - 8;
const TUPLE = KEY - 12;
const SCRATCH = TUPLE - 4;

export interface ReceiveOptions {
  readonly table: PrefixTable;
  /** Where the tunnel's packets arrive, in network byte order. */
  readonly local: { readonly address: number; readonly port: number };
  /** UDP port of the decapsulating device, in network byte order. */
  readonly decapsulationPort: number;
  readonly seal: Seal;
}

/**
 * Takes datagrams that a fast path sent off the underlay: those without a UDP checksum, whose inner source is the sender's
 * and whose inner destination is ours. They become VXLAN packets for the socket of the decapsulating device,
 * still with the tunnel's port, so that the host's firewall sees what it knows. Everything else goes on to the
 * tunnel's own socket in user space, which drops, answers and counts.
 */
export function receiveProgram({ table, local, decapsulationPort, seal }: ReceiveOptions): Code {
  return [
    move(6, register(1)),
    checkOuterHeaders(local),
    loadBytes({ plus: ETHERNET_BYTES + OUTER_BYTES }, INNER, IPV4_BYTES, 'next'),
    checkInnerHeader(INNER, 'next'),
    // r8 is the length of the inner packet from here on.
    loadNumber(2, INNER + ip.totalLength),
    jumpIf(2, '!=', register(8), 'next'),
    findPrefix(table, INNER + ip.destination, KEY, 'next'),
    load(8, 2, 0, prefixEntry.owner),
    jumpIf(2, '!=', owner.self, 'next'),
    findPrefix(table, INNER + ip.source, KEY, 'next'),
    move(7, register(0)),
    checkSender(),
    measureHeaders(INNER, ETHERNET_BYTES + OUTER_BYTES, SCRATCH, 'next'),
    measureTraffic(),
    // Counted here, as r9 is needed for the socket: the steps below fail only without memory or the device.
    atomicAdd(7, prefixEntry.received, 1),
    atomicAdd(7, prefixEntry.received + 8, 2),
    findSocket(decapsulationPort),
    writeHeaders(seal),
    growHeaders(INSERTED_BYTES, 0, 'drop'),
    storeBytes(ETHERNET_BYTES, OUTER, OUTER_BYTES + INSERTED_BYTES, BPF_F_RECOMPUTE_CSUM, 'drop'),
    move(2, seal.index),
    store(32, 6, skb.tcClassid, register(2)),
    move(1, register(6)),
    move(2, register(9)),
    move(3, 0),
    call(helper.skAssign),
    move(7, register(0)),
    releaseSocket(),
    jumpIf(7, '!=', 0, 'lost'),
    move(0, verdict.pass),
    exit,
    label('drop'),
    releaseSocket(),
    label('lost'),
    move(0, verdict.drop),
    exit,
    label('next'),
    move(0, verdict.next),
    exit,
  ];
}

/** Leaves unless the packet is a whole UDP datagram to our socket, without options and checksum; r8 becomes its payload's length. */
function checkOuterHeaders({ address, port }: ReceiveOptions['local']): Code {
  return [
    load(32, 2, 6, skb.protocol),
    jumpIf(2, '!=', IPV4_ETHERTYPE, 'next'),
    load(32, 2, 6, skb.pktType),
    jumpIf(2, '!=', 0, 'next'),
    load(32, 2, 6, skb.vlanPresent),
    jumpIf(2, '!=', 0, 'next'),
    loadBytes({ plus: ETHERNET_BYTES }, OUTER, OUTER_BYTES, 'next'),
    load(8, 2, 10, OUTER + ip.version),
    jumpIf(2, '!=', 0x45, 'next'),
    load(8, 2, 10, OUTER + ip.protocol),
    jumpIf(2, '!=', PROTOCOL.UDP, 'next'),
    load(16, 2, 10, OUTER + udp.destination),
    jumpIf(2, '!=', port, 'next'),
    load(16, 2, 10, OUTER + udp.checksum),
    jumpIf(2, '!=', 0, 'next'),
    load(16, 2, 10, OUTER + ip.fragment),
    jumpIf(2, '&', FRAGMENT, 'next'),
    load(32, 2, 10, OUTER + ip.destination),
    move(3, address),
    jumpIf(2, '!=', register(3), 'next'),
    loadNumber(8, OUTER + ip.totalLength),
    jumpIf(8, '>', LONGEST_OUTER_PACKET, 'next'),
    subtract(8, IPV4_BYTES),
    loadNumber(2, OUTER + udp.length),
    jumpIf(2, '!=', register(8), 'next'),
    subtract(8, OUTER_BYTES - IPV4_BYTES),
  ];
}

/** The peer of the route in r7 must be who sent the datagram, by address and port. */
function checkSender(): Code {
  return [
    load(32, 2, 7, prefixEntry.address),
    load(32, 3, 10, OUTER + ip.source),
    jumpIf(2, '!=', register(3), 'next'),
    load(16, 2, 7, prefixEntry.port),
    load(16, 3, 10, OUTER + udp.source),
    jumpIf(2, '!=', register(3), 'next'),
  ];
}

/** The decapsulating device's socket, in r9, to be released; leaves when there is none. */
function findSocket(port: number): Code {
  return [
    load(32, 2, 10, OUTER + ip.source),
    store(32, 10, TUPLE, register(2)),
    load(32, 2, 10, OUTER + ip.destination),
    store(32, 10, TUPLE + 4, register(2)),
    load(16, 2, 10, OUTER + udp.source),
    store(16, 10, TUPLE + 8, register(2)),
    move(2, port),
    store(16, 10, TUPLE + 10, register(2)),
    move(1, register(6)),
    move(2, register(10)),
    add(2, TUPLE),
    move(3, 12),
    move(4, BPF_F_CURRENT_NETNS),
    move(5, 0),
    call(helper.skLookupUdp),
    jumpIf(0, '==', 0, 'next'),
    move(9, register(0)),
  ];
}

function releaseSocket(): Code {
  return [move(1, register(9)), call(helper.skRelease)];
}

/** Grows both lengths, mends the checksum of IP (RFC 1624, equation 3), and writes the inserted headers. */
function writeHeaders({ vni }: Seal): Code {
  const inserted = decapsulationHeaders(vni);
  return [
    // ~(~checksum + ~before + after), where the complement of 16 bits is the difference to 0xffff.
    load(16, 3, 10, OUTER + ip.checksum),
    load(16, 4, 10, OUTER + ip.totalLength),
    move(2, 2 * 0xffff),
    subtract(2, register(3)),
    subtract(2, register(4)),
    toNetworkOrder(16, 4),
    add(4, INSERTED_BYTES),
    toNetworkOrder(16, 4),
    store(16, 10, OUTER + ip.totalLength, register(4)),
    add(2, register(4)),
    fold(2, 3),
    move(3, 0xffff),
    subtract(3, register(2)),
    store(16, 10, OUTER + ip.checksum, register(3)),
    move(2, register(8)),
    add(2, OUTER_BYTES - IPV4_BYTES + INSERTED_BYTES),
    toNetworkOrder(16, 2),
    store(16, 10, OUTER + udp.length, register(2)),
    // The kernel's NAT takes the socket from a packet whose sender's port is not that which the socket is connected to
    // (nf_nat_ipv4_local_in): none, 0.
    store(16, 10, OUTER + udp.source, 0),
    Array.from({ length: INSERTED_BYTES / 2 }, (_, index) =>
      store(16, 10, INSERTED + 2 * index, inserted.readUInt16LE(2 * index)),
    ),
  ];
}
