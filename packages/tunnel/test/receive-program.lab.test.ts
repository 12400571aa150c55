import { parseAddress, parsePrefix } from '@flannel-ts/ip';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { FastPathReason } from '../src/index.ts';
import { port, route } from './support/overlay.ts';
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
  programs = await loadPrograms();
  programs.table.setRoutes([
    route('10.5.2.0/24', peerAddress, port, true),
    route('10.5.3.0/24', '192.0.2.3', port, true),
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
