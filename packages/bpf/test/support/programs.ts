import {
  add,
  atomicAdd,
  call,
  createMap,
  exit,
  helper,
  jumpIf,
  label,
  load,
  loadMap,
  move,
  register,
  skb,
  store,
  verdict,
  type BpfMap,
  type Code,
  type Register,
} from '../../src/index.ts';

/** 0x0800 in network byte order, as a little-endian machine reads it. */
export const IPV4 = 0x0008;

const PROTOCOL = { at: 14 + 9, ICMP: 1 } as const;
/** Behind an IPv4 header without options. */
const ICMP_TYPE = { at: 14 + 20, ECHO_REQUEST: 8 } as const;

/** An array of one entry, for a program to write its findings to. */
export function createEntry(valueBytes: number): BpfMap {
  return createMap({ type: 'array', keyBytes: 4, valueBytes, maxEntries: 1 });
}

/** The entry of such an array. */
export function readEntry(map: BpfMap): DataView {
  return new DataView(map.get(new Uint8Array(4))!.buffer);
}

/** The address of an entry of an array, in r0, whose number is 32 bits of the stack at `at`; `otherwise` without one. */
export function findEntry(map: BpfMap, at: number, otherwise: string): Code {
  return [
    loadMap(1, map),
    move(2, register(10)),
    add(2, at),
    call(helper.mapLookupElem),
    jumpIf(0, '==', 0, otherwise),
  ];
}

/** Counts IPv4 echo requests in a map: 64 bits of packets, then of bytes. They get `onPing`, all others `onOthers`. */
export function countPings(counters: BpfMap, onPing: number, onOthers: number): Code {
  return [
    move(6, register(1)),
    load(32, 2, 6, skb.protocol),
    jumpIf(2, '!=', IPV4, 'others'),
    loadByte(2, PROTOCOL.at),
    jumpIf(2, '!=', PROTOCOL.ICMP, 'others'),
    loadByte(2, ICMP_TYPE.at),
    jumpIf(2, '!=', ICMP_TYPE.ECHO_REQUEST, 'others'),
    store(32, 10, -4, 0),
    findEntry(counters, -4, 'others'),
    move(1, 1),
    atomicAdd(0, 0, 1),
    load(32, 1, 6, skb.len),
    atomicAdd(0, 8, 1),
    move(0, onPing),
    exit,
    label('others'),
    move(0, onOthers),
    exit,
  ];

  /** Of the packet, whose context is in r6; the packet may lie in several pieces. */
  function loadByte(to: Register, offset: number): Code {
    return [
      move(1, register(6)),
      move(2, offset),
      move(3, register(10)),
      add(3, -1),
      move(4, 1),
      call(helper.skbLoadBytes),
      jumpIf(0, '!=', 0, 'others'),
      load(8, to, 10, -1),
    ];
  }
}

/** Copies fields of the context of an IPv4 packet to a map, 32 bits each; every packet passes. */
export function recordFields(map: BpfMap, fields: readonly number[]): Code {
  return [
    move(6, register(1)),
    load(32, 2, 6, skb.protocol),
    jumpIf(2, '!=', IPV4, 'pass'),
    store(32, 10, -4, 0),
    findEntry(map, -4, 'pass'),
    fields.map((field, index) => [load(32, 2, 6, field), store(32, 0, 4 * index, register(2))]),
    label('pass'),
    move(0, verdict.pass),
    exit,
  ];
}
