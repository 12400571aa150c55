import { parseAddress, parsePrefix } from '@flannel-ts/ip';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { FastPathReason } from '../src/index.ts';
import { fastRoute, port, route, sourcePorts } from './support/overlay.ts';
import { checksum, ipv4Header, openSocket, udpPacket, type PacketFields } from './support/packets.ts';
import {
  decapsulationPort,
  hostAddress,
  loadPrograms,
  peerAddress,
  verdict,
  vni,
  type LoadedPrograms,
} from './support/programs.ts';

let programs: LoadedPrograms;
beforeAll(async () => {
  programs = await loadPrograms({ sourcePorts });
  programs.table.setRoutes([
    route('10.5.2.0/24', peerAddress, port, true),
    route('10.5.3.0/24', '192.0.2.3', port, true),
    fastRoute('10.5.4.0/24', peerAddress),
  ]);
});
afterAll(() => programs[Symbol.asyncDispose]());

const ethernet = Buffer.from('0000000000000200000000090800', 'hex');
const inner = (fields: Partial<PacketFields> = {}) =>
  udpPacket({ source: '10.5.2.9', destination: '10.5.1.9', ...fields });

interface Outer {
  readonly from?: number;
  readonly to?: number;
  readonly destination?: string;
  readonly checksum?: number;
  /** The length in the header of UDP, less what it should be. */
  readonly surplus?: number;
}

/** A datagram from the peer, as it arrives at the underlay. */
function datagram(payload: Uint8Array, outer: Outer = {}): Buffer {
  const { from = port, to = port, destination = hostAddress, surplus = 0 } = outer;
  const header = ipv4Header(
    parseAddress(peerAddress),
    parseAddress(destination),
    17,
    64,
    8 + payload.length,
    0x4000,
  );
  const udp = Buffer.alloc(8);
  udp.writeUInt16BE(from, 0);
  udp.writeUInt16BE(to, 2);
  udp.writeUInt16BE(8 + payload.length + surplus, 4);
  udp.writeUInt16BE(outer.checksum ?? 0, 6);
  return Buffer.concat([ethernet, header, udp, payload]);
}

/** A datagram whose outer IPv4 header begins at 14, with a byte or word of it changed. */
function changed(change: (ip: Buffer) => void, payload = inner()): Buffer {
  const packet = datagram(payload);
  change(packet.subarray(14));
  return packet;
}

const run = (packet: Uint8Array, gsoSize = 0) => programs.run('flannel_rx', packet, { gsoSize });
const receivedFrom = (destination: string) => programs.table.traffic().of(parsePrefix(destination)).received;

describe('the receive program', () => {
  it('makes a VXLAN packet of a datagram, for the decapsulating device’s socket', () => {
    using _device = openSocket(programs.namespace.path, '0.0.0.0', decapsulationPort);
    const before = receivedFrom('10.5.2.0/24');
    const made = run(datagram(inner()));
    // The kernel assigns sockets to packets that have arrived, which those of a test have not.
    expect(made).toMatchObject({ verdict: verdict.drop, reasons: ['receiveNotAssigned'] });
    expect(receivedFrom('10.5.2.0/24')).toEqual(before);
    const vxlan = Buffer.alloc(8);
    vxlan.writeUInt8(0x08, 0);
    vxlan.writeUIntBE(vni, 4, 3);
    const link = Buffer.from('0200000000010200000000020800', 'hex');
    const expected = datagram(Buffer.concat([vxlan, link, inner()]), { from: 0 });
    expect(Buffer.from(made.packet)).toEqual(expected);
    expect(checksum(expected.subarray(14, 34))).toBe(0);
  });

  it.each([port, sourcePorts.first, 800, sourcePorts.last])(
    'takes datagrams from the port of a peer and those of its range: %i',
    (from) => {
      using _device = openSocket(programs.namespace.path, '0.0.0.0', decapsulationPort);
      const packet = datagram(inner({ source: '10.5.4.9' }), { from });
      expect(run(packet)).toMatchObject({ verdict: verdict.drop, reasons: ['receiveNotAssigned'] });
    },
  );

  it.for<[what: string, packet: Uint8Array]>([
    ['ARP', Buffer.concat([Buffer.from('ffffffffffff0200000000090806', 'hex'), Buffer.alloc(28)])],
    ['IPv6', Buffer.concat([Buffer.from('00000000000002000000000986dd', 'hex'), Buffer.alloc(40)])],
    ['TCP', changed((ip) => ip.writeUInt8(6, 9))],
    ['another port', datagram(inner(), { to: port + 1 })],
    ['another address of this host', datagram(inner(), { destination: '192.0.2.9' })],
    [
      'a packet for another host',
      Buffer.concat([Buffer.from('020000000077', 'hex'), datagram(inner()).subarray(6)]),
    ],
    ['a datagram without room for its headers', datagram(inner()).subarray(0, 40)],
  ])('leaves alone what is not for the tunnel, and does not count it: %s', ([, packet]) => {
    expect(run(packet)).toMatchObject({ verdict: verdict.next, reasons: [] });
  });

  it.for<[reason: FastPathReason, what: string, packet: () => Uint8Array, gsoSize?: number]>([
    ['receiveOptions', 'options of IP', () => changed((ip) => ip.writeUInt8(0x46, 0))],
    ['receiveHasChecksum', 'a UDP checksum, of a user space', () => datagram(inner(), { checksum: 1 })],
    ['receiveFragment', 'a first fragment', () => changed((ip) => ip.writeUInt16BE(0x2000, 6))],
    ['receiveTooLarge', 'no room for the headers', () => changed((ip) => ip.writeUInt16BE(65_514, 2))],
    ['receiveMalformed', 'another length of UDP', () => datagram(inner(), { surplus: 1 })],
    ['receiveMalformed', 'a truncated header', () => datagram(inner().subarray(0, 19))],
    [
      'receiveMalformed',
      'another length than the header says',
      () => datagram(Buffer.concat([inner(), Buffer.alloc(1)])),
    ],
    [
      'receiveMalformed',
      'a header of 16 bytes',
      () => datagram(Buffer.concat([Buffer.from([0x44]), inner().subarray(1)])),
    ],
    [
      'receiveNotIpv4',
      'IPv6',
      () => datagram(udpPacket({ source: '2001:db8::2', destination: '2001:db8::1' })),
    ],
    ['receiveTtl', 'a TTL of 1', () => datagram(inner({ ttl: 1 }))],
    ['receiveNotOurs', 'a destination of no subnet', () => datagram(inner({ destination: '10.9.0.1' }))],
    ['receiveNotOurs', 'a destination of a peer', () => datagram(inner({ destination: '10.5.3.9' }))],
    ['receiveUnknownSource', 'a source of no peer', () => datagram(inner({ source: '10.9.0.1' }))],
    ['receiveWrongPeer', 'a source of another peer', () => datagram(inner({ source: '10.5.3.9' }))],
    ['receiveWrongPeer', 'a source of this host', () => datagram(inner({ source: '10.5.1.8' }))],
    ['receiveWrongPeer', 'another port of the peer', () => datagram(inner(), { from: port + 1 })],
    ['receiveWrongPeer', 'a port of a range that the peer has not', () => datagram(inner(), { from: 800 })],
    ...[sourcePorts.first - 1, sourcePorts.last + 1].map(
      (from) =>
        [
          ...(['receiveWrongPeer', `port ${from}, beside the peer’s range`] as const),
          () => datagram(inner({ source: '10.5.4.9' }), { from }),
        ] as [FastPathReason, string, () => Uint8Array],
    ),
    [
      'receiveUnknownSegments',
      'segments of neither TCP nor UDP',
      () => datagram(Buffer.concat([inner().fill(1, 9, 10)])),
      10,
    ],
    ['receiveNoDevice', 'no decapsulating device', () => datagram(inner())],
  ])('leaves to user space, as %s: %s', ([reason, , packet, gsoSize]) => {
    const given = packet();
    const left = run(given, gsoSize);
    expect(left.reasons).toEqual([reason]);
    expect(left.verdict).toBe(verdict.next);
    expect(Buffer.from(left.packet)).toEqual(Buffer.from(given));
  });
});

/** What an ICMP message from a router on the way says about a packet that flannel_tx sent. */
interface Message {
  readonly type?: number;
  readonly code?: number;
  readonly from?: string;
  readonly source?: number;
  readonly destination?: number;
  readonly protocol?: number;
  readonly fragmentation?: number;
}

function message({ type = 3, code = 4, source = 800, destination = port, ...fields }: Message = {}): Buffer {
  const { from = hostAddress, protocol = 17, fragmentation = 0 } = fields;
  const quoted = ipv4Header(parseAddress(from), parseAddress(peerAddress), protocol, 60, 1480, 0x4000);
  const udp = Buffer.alloc(8);
  udp.writeUInt16BE(source, 0);
  udp.writeUInt16BE(destination, 2);
  udp.writeUInt16BE(1480, 4);
  const icmp = Buffer.concat([Buffer.from([type, code, 0, 0, 0, 0, 1300 >> 8, 1300 & 255]), quoted, udp]);
  icmp.writeUInt16BE(checksum(icmp), 2);
  const router = parseAddress('192.0.2.77');
  const ip = ipv4Header(router, parseAddress(hostAddress), 1, 64, icmp.length, fragmentation);
  return Buffer.concat([ethernet, ip, icmp]);
}

describe('a message that a packet is larger than its path', () => {
  it.each([sourcePorts.first, 800, sourcePorts.last])(
    'becomes one about the tunnel’s socket, which can take it, when the packet came from port %i',
    (source) => {
      const repaired = run(message({ source }));
      expect(repaired).toMatchObject({ verdict: verdict.next, reasons: [] });
      expect(Buffer.from(repaired.packet)).toEqual(message({ source: port }));
    },
  );

  it.each<[what: string, packet: Uint8Array]>([
    ['is about the socket’s own packet', message({ source: port })],
    ['is about a port beside the range', message({ source: sourcePorts.last + 1 })],
    ['is about another destination port', message({ destination: 53 })],
    ['is about a packet of another host', message({ from: peerAddress })],
    ['is about TCP', message({ protocol: 6 })],
    ['says that a host is unreachable', message({ code: 1 })],
    ['is an answer to a ping', message({ type: 0 })],
    ['is a fragment', message({ fragmentation: 0x2000 })],
    ['has options of IP', Buffer.from(message()).fill(0x46, 14, 15)],
    ['ends before the quoted ports', message().subarray(0, 65)],
  ])('is left as it is when it %s', (_what, packet) => {
    const left = run(packet);
    expect(left).toMatchObject({ verdict: verdict.next, reasons: [] });
    expect(Buffer.from(left.packet)).toEqual(Buffer.from(packet));
  });
});
