import { parseAddress, parsePrefix } from '@flannel-ts/ip';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { FastPathReason } from '../src/index.ts';
import { fastRoute, port, route, sourcePorts } from './support/overlay.ts';
import { checksum, ipv4Header, udpPacket } from './support/packets.ts';
import { hostAddress, loadPrograms, peerAddress, verdict, type LoadedPrograms } from './support/programs.ts';

/**
 * A packet leaves a TUN device without a link header, but the kernel takes the first 14 bytes of
 * a test's packet for one: those at 12 and 13 are the protocol. In an IPv4 header the source begins
 * there, in an IPv6 header it goes on there.
 */
const ipv4Source = '8.0.1.2';
const ipv6Source = '2001:db8:86dd::2';
/** The inner MTU that the path to the peer allows: that of eth0 without the outer headers. */
const largest = 1500 - 28;

let programs: LoadedPrograms;
beforeAll(async () => {
  programs = await loadPrograms();
  const { namespace, table } = programs;
  const neighbour = (address: string) =>
    namespace.run('ip', 'neigh', 'add', address, 'lladdr', '02:00:00:00:00:09', 'dev', 'eth0');
  await neighbour(peerAddress);
  await neighbour('fe80::9');
  await namespace.run('ip', 'route', 'add', 'blackhole', '192.0.2.11');
  await namespace.run('ip', 'route', 'add', 'unreachable', '192.0.2.12');
  await namespace.run('ip', 'route', 'add', 'prohibit', '192.0.2.13');
  await namespace.run('ip', 'route', 'add', '192.0.2.14', 'encap', 'ip', 'dst', peerAddress, 'dev', 'eth0');
  await namespace.run('ip', 'route', 'add', '192.0.2.16', 'via', 'inet6', 'fe80::9', 'dev', 'eth0');
  table.setRoutes([
    route('10.5.2.0/24', peerAddress, port, true),
    route('10.5.3.0/24', peerAddress, port, false),
    // 10.5.1NN is behind 192.0.2.NN.
    ...[11, 12, 13, 14, 15, 16].map((host) =>
      route(`10.5.${100 + host}.0/24`, `192.0.2.${host}`, port, true),
    ),
    route('10.5.117.0/24', hostAddress, port, true),
  ]);
});
afterAll(() => programs[Symbol.asyncDispose]());

/** Long enough for what the kernel takes for an Ethernet and an IPv4 header. */
const payload = Buffer.alloc(100, 'payload');
const to = (destination: string, fields: { ttl?: number; tos?: number; payload?: Uint8Array } = {}) =>
  udpPacket({ source: ipv4Source, destination, payload, ...fields });
const run = (packet: Uint8Array, gsoSize = 0) => programs.run('flannel_tx', packet, { gsoSize });
const sentTo = (destination: string) => programs.table.traffic().of(parsePrefix(destination)).sent;

describe('the transmit program', () => {
  it('encapsulates a packet to a peer with a fast path, and redirects it', () => {
    const packet = to('10.5.2.9');
    const before = sentTo('10.5.2.0/24');
    const { verdict: result, packet: sent, reasons } = run(packet);
    expect(result).toBe(verdict.redirect);
    expect(reasons).toEqual([]);
    const outer = ipv4Header(
      parseAddress(hostAddress),
      parseAddress(peerAddress),
      17,
      64,
      8 + packet.length,
      0x4000,
    );
    const udp = Buffer.from([port >> 8, port & 255, port >> 8, port & 255, 0, 8 + packet.length, 0, 0]);
    const inner = to('10.5.2.9', { ttl: 63 });
    const expected = Buffer.concat([Buffer.alloc(14), outer, udp, inner]);
    // The kernel makes room behind the link header that it sees, so that the source loses two bytes here.
    const source = 14 + 28 + 12;
    const actual = Buffer.from(sent);
    expected.copy(actual, source, source, source + 2);
    expect(actual).toEqual(expected);
    expect(checksum(actual.subarray(14, 34))).toBe(0);
    expect(checksum(actual.subarray(42, 62))).toBe(0);
    const after = sentTo('10.5.2.0/24');
    expect(after).toEqual({ packets: before.packets + 1, bytes: before.bytes + packet.length });
  });

  it.each([
    ['the inner DSCP', false, 46 << 2],
    ['the inner DSCP and ECN, to a peer that combines it', true, (46 << 2) | 2],
  ])('gives the outer header, when it inherits, %s', async (_title, ecn, tos) => {
    await using inheriting = await loadPrograms({ inheritTos: true });
    const neighbour = ['lladdr', '02:00:00:00:00:09', 'dev', 'eth0'];
    await inheriting.namespace.run('ip', 'neigh', 'add', peerAddress, ...neighbour);
    const { destination, peer } = route('10.5.2.0/24', peerAddress, port, true);
    inheriting.table.setRoutes([{ destination, peer: { ...peer, ecn } }]);
    const sent = Buffer.from(inheriting.run('flannel_tx', to('10.5.2.9', { tos: (46 << 2) | 2 })).packet);
    expect(sent.readUInt8(15)).toBe(tos);
    expect(checksum(sent.subarray(14, 34))).toBe(0);
    expect(sent.readUInt8(43)).toBe((46 << 2) | 2);
  });

  it.each([
    ['one of its own range to a peer that has one', fastRoute('10.5.2.0/24', peerAddress), true],
    ['the tunnel’s to a peer without', route('10.5.2.0/24', peerAddress, port, true), false],
  ] as const)('gives the outer header a source port: %s', async (_title, to_, ranged) => {
    await using ranging = await loadPrograms({ sourcePorts });
    const neighbour = ['lladdr', '02:00:00:00:00:09', 'dev', 'eth0'];
    await ranging.namespace.run('ip', 'neigh', 'add', peerAddress, ...neighbour);
    ranging.table.setRoutes([to_]);
    const sent = Buffer.from(ranging.run('flannel_tx', to('10.5.2.9')).packet);
    const [source, destination, check] = [34, 36, 40].map((offset) => sent.readUInt16BE(offset));
    expect([destination, check]).toEqual([port, 0]);
    const inRange = source! >= sourcePorts.first && source! <= sourcePorts.last;
    expect(ranged ? inRange : source === port).toBe(true);
  });

  it('gives the tunnel’s source port when it has no range itself', () => {
    programs.table.updateRoutes({ add: [fastRoute('10.5.4.0/24', peerAddress)], remove: [] });
    expect(Buffer.from(run(to('10.5.4.9')).packet).readUInt16BE(34)).toBe(port);
  });

  const bytes = (change: (packet: Buffer) => void) => {
    const packet = to('10.5.2.9');
    change(packet);
    return packet;
  };
  const icmp = () => bytes((packet) => packet.writeUInt8(1, 9));

  const long = (length: number) => to('10.5.2.9', { payload: new Uint8Array(length - 28) });
  /** Its TCP header has 12 bytes of options. */
  const tcp = (length: number) => {
    const packet = long(length);
    packet.writeUInt8(6, 9);
    packet.writeUInt8(8 << 4, 20 + 12);
    return packet;
  };

  it.for<[reason: FastPathReason, what: string, packet: () => Uint8Array, gsoSize?: number]>([
    ['transmitNotIpv4', 'IPv6', () => udpPacket({ source: ipv6Source, destination: '2001:db8::9', payload })],
    [
      'transmitMalformed',
      'another length than it has',
      () => Buffer.concat([to('10.5.2.9'), Buffer.alloc(1)]),
    ],
    ['transmitMalformed', 'another version', () => bytes((packet) => packet.writeUInt8(0x55, 0))],
    ['transmitMalformed', 'a header of 16 bytes', () => bytes((packet) => packet.writeUInt8(0x44, 0))],
    ['transmitTtl', 'a TTL of 1', () => to('10.5.2.9', { ttl: 1 })],
    ['transmitTtl', 'a TTL of 0', () => to('10.5.2.9', { ttl: 0 })],
    ['transmitNoRoute', 'a destination of no peer', () => to('10.9.0.1')],
    ['transmitNotFastPeer', 'a peer without a fast path', () => to('10.5.3.9')],
    ['transmitNotFastPeer', 'this host itself', () => to('10.5.1.9')],
    ['transmitUnknownSegments', 'segments of neither TCP nor UDP', icmp, 100],
    ['transmitBlackhole', 'a peer behind a blackhole', () => to('10.5.111.9')],
    ['transmitUnreachable', 'an unreachable peer', () => to('10.5.112.9')],
    ['transmitProhibited', 'a prohibited peer', () => to('10.5.113.9')],
    ['transmitRouteEncapsulates', 'a peer in another tunnel', () => to('10.5.114.9')],
    ['transmitNoNeighbour', 'a peer of unknown link address', () => to('10.5.115.9')],
    ['transmitIpv6Gateway', 'a peer behind an IPv6 gateway', () => to('10.5.116.9')],
    ['transmitNotForwarded', 'a peer at this host’s address', () => to('10.5.117.9')],
    ['transmitFragmentationNeeded', 'a packet larger than the path', () => long(largest + 1)],
    // The kernel does not encapsulate segments of a test: it does not know what they are. So they are seen to fit by that.
    ['transmitAdjustFailed', 'segments of UDP as large as the path', () => long(2500), largest - 28],
    ['transmitFragmentationNeeded', 'one byte more of them', () => long(2500), largest - 28 + 1],
    ['transmitAdjustFailed', 'segments of TCP as large as the path', () => tcp(2500), largest - 52],
    ['transmitFragmentationNeeded', 'one byte more of them', () => tcp(2500), largest - 52 + 1],
  ])('leaves to user space, as %s: %s', ([reason, , packet, gsoSize]) => {
    const given = packet();
    const left = run(given, gsoSize);
    expect(left.reasons).toEqual([reason]);
    expect(left.verdict).toBe(verdict.next);
    expect(Buffer.from(left.packet)).toEqual(Buffer.from(given));
  });

  it('leaves everything to user space while the loopback device does not forward, which it counts', async () => {
    const set = (value: number) =>
      programs.namespace.run('sysctl', '-qw', `net.ipv4.conf.lo.forwarding=${value}`);
    await set(0);
    expect(run(to('10.5.2.9'))).toMatchObject({
      verdict: verdict.next,
      reasons: ['transmitForwardingDisabled'],
    });
    await set(1);
    expect(run(to('10.5.2.9'))).toMatchObject({ verdict: verdict.redirect, reasons: [] });
  });
});
