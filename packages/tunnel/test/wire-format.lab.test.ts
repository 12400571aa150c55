import { parseAddress } from '@flannel-ts/ip';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { createLab, type Host } from '@flannel-ts/lab';
import type { Tunnel, TunnelOptions } from '../src/index.ts';
import {
  checksum,
  ipv4Header,
  openSocket,
  sendUnchecked,
  udpPacket,
  type LabSocket,
} from './support/packets.ts';
import { describeModes } from './support/kernel.ts';
import { modes, openTunnelOn, port, route, subnetOf } from './support/overlay.ts';

/** One host with a tunnel; its peers are plain UDP sockets, so that every byte on the wire is seen. */
describeModes('wire format', (mode) => {
  const stack = new AsyncDisposableStack();
  let host: Host;
  let peerHost: Host;
  let tunnel: Tunnel;
  let peer: LabSocket;
  let application: LabSocket;

  const open = (options: Partial<TunnelOptions> = {}) =>
    openTunnelOn(host, 1, { ...modes[mode], ...options });
  const fastPath = mode === 'fast path';
  const toPeer = () => route(subnetOf(2), peerHost.address, port, fastPath);

  beforeAll(async () => {
    const lab = stack.use(await createLab());
    host = await lab.addHost();
    peerHost = await lab.addHost();
    // Else the kernel sends neighbour and router solicitations of its own through the tunnel.
    await host.run('sysctl', '-qw', 'net.ipv6.conf.default.disable_ipv6=1');
    // Else checksums are left to a network card that is not there.
    await host.run('ethtool', '-K', 'eth0', 'tx', 'off');
    tunnel = stack.use(await open());
    peer = stack.use(openSocket(peerHost.path, peerHost.address, port));
    application = stack.use(openSocket(host.path, '10.5.1.0', 2000));
  });
  beforeEach(() => tunnel.setRoutes([toPeer()]));
  afterAll(() => stack.disposeAsync());

  const inner = (fields: Partial<Parameters<typeof udpPacket>[0]> = {}) =>
    udpPacket({ source: '10.5.2.9', destination: '10.5.1.0', ...fields });
  /** A fast path takes only datagrams without UDP checksum, as another sends them. */
  const send = async (packet: Uint8Array, socket: LabSocket) => {
    if (fastPath) await sendUnchecked(peerHost, { from: socket.port, to: port }, host.address, packet);
    else socket.send(packet, port, host.address);
  };
  const receive = (packet: Uint8Array) => send(packet, peer);

  it('sends the bare inner packet with its TTL decremented', async () => {
    application.send(Buffer.from('hello'), 2000, '10.5.2.9');
    const datagram = await peer.next();
    const expected = udpPacket({ source: '10.5.1.0', destination: '10.5.2.9', ttl: 63 });
    // The kernel chose identification and DF, and the port is the application's own.
    expected.set(datagram.subarray(4, 8), 4);
    expected.writeUInt16BE(0, 10);
    expected.writeUInt16BE(checksum(expected.subarray(0, 20)), 10);
    expected.writeUInt16BE(2000, 20);
    expected.set(datagram.subarray(26, 28), 26);
    expect(datagram.toString('hex')).toBe(expected.toString('hex'));
    expect(udpChecksumOf(datagram)).toBe(0);
    expect(peer.received.at(-1)!.from).toMatchObject({ address: host.address, port });
  });

  it('delivers what a peer sends', async () => {
    await receive(inner({ payload: Buffer.from('to you') }));
    expect((await application.next()).toString()).toBe('to you');
  });

  it('keeps a UDP checksum of zero', async () => {
    const packet = inner({ payload: Buffer.from('unchecked') });
    packet.writeUInt16BE(0, 26);
    await receive(packet);
    expect((await application.next()).toString()).toBe('unchecked');
  });

  // A fast path leaves it to the kernel, which believes datagrams from the network only with a checksum.
  if (!fastPath)
    it('completes a checksum that the sender left to its network card', async () => {
      await receive(inner({ payload: Buffer.from('unfinished'), unfinished: true }));
      expect((await application.next()).toString()).toBe('unfinished');
    });

  it('counts per peer', async () => {
    // A peer that comes again counts from zero.
    tunnel.setRoutes([]);
    tunnel.setRoutes([toPeer()]);
    const packet = inner();
    await receive(packet);
    await application.next();
    // A packet is counted once it was delivered.
    await expect
      .poll(() => tunnel.stats().peers)
      .toMatchObject([
        {
          route: route(subnetOf(2), peerHost.address),
          received: { packets: 1, bytes: packet.length },
          sent: { packets: 0, bytes: 0 },
        },
      ]);
  });

  describe('accepts from peers only', () => {
    /** Sends what must be dropped, then a good packet behind it, and returns what was dropped. */
    async function dropsAfter(packet: Uint8Array, socket = peer) {
      const before = tunnel.stats().drops;
      await send(packet, socket);
      await expect.poll(() => tunnel.stats().drops).not.toEqual(before);
      await receive(inner({ payload: Buffer.from('good') }));
      expect((await application.next()).toString()).toBe('good');
      const { drops } = tunnel.stats();
      return Object.entries(drops).filter(
        ([reason, count]) => count !== before[reason as keyof typeof before],
      );
    }

    it.each([
      ['an inner source that nobody has', inner({ source: '10.5.3.9' }), 'unknownSource'],
      ['our own address as inner source', inner({ source: '10.5.1.7' }), 'unknownSource'],
      ['an inner destination that is not ours', inner({ destination: '10.5.3.9' }), 'notOurs'],
      ['a truncated packet', inner().subarray(0, 21), 'malformed'],
      ['an empty datagram', Buffer.alloc(0), 'malformed'],
      ['another protocol', Buffer.from('GET / HTTP/1.1\r\n\r\n'), 'malformed'],
      [
        'an unfinished datagram that may be several',
        inner({ unfinished: true, payload: Buffer.alloc(2000) }),
        'unfinished',
      ],
      ['a packet whose TTL runs out here', inner({ ttl: 1 }), 'hopsExceeded'],
    ])('and not %s', async (_title, packet, reason) => {
      expect(await dropsAfter(packet)).toEqual([[reason, expect.any(Number)]]);
    });

    it('and not from another port of the peer', async () => {
      using stranger = openSocket(peerHost.path, peerHost.address, 9999);
      expect(await dropsAfter(inner(), stranger)).toEqual([['wrongPeer', expect.any(Number)]]);
    });

    it('and not one peer in the name of another', async () => {
      tunnel.updateRoutes({ add: [route(subnetOf(3), '192.168.77.99')], remove: [] });
      expect(await dropsAfter(inner({ source: '10.5.3.9' }))).toEqual([['wrongPeer', expect.any(Number)]]);
    });

    it('at once when routes change', async () => {
      const before = tunnel.stats().drops.unknownSource;
      tunnel.updateRoutes({ add: [], remove: [toPeer().destination] });
      await receive(inner({ payload: Buffer.from('lost') }));
      await expect.poll(() => tunnel.stats().drops.unknownSource).toBeGreaterThan(before);
      tunnel.updateRoutes({ add: [toPeer()], remove: [] });
      await receive(inner({ payload: Buffer.from('back') }));
      expect((await application.next()).toString()).toBe('back');
    });
  });

  it('reports an expired TTL to the sender, from the address of the TUN device', async () => {
    await receive(inner({ ttl: 1 }));
    let answer: Buffer;
    do answer = await peer.next();
    while (answer[9] !== 1);
    expect(answer.subarray(12, 20)).toEqual(
      Buffer.concat([parseAddress('10.5.1.0').toBytes(), parseAddress('10.5.2.9').toBytes()]),
    );
    expect([...answer.subarray(20, 22)]).toEqual([11, 0]);
    expect(checksum(answer.subarray(20))).toBe(0);
    expect(answer.subarray(28).toString('hex')).toBe(inner({ ttl: 1 }).toString('hex'));
  });

  it('answers an unknown destination exactly as flannel does', async () => {
    await using capture = host.start(['tcpdump', '-i', 'lo', '-nxl', '--immediate-mode', 'icmp']);
    await capture.line(/listening on/);
    application.send(Buffer.from('hello'), 2000, '10.5.99.9');
    await capture.line(/0x0030/);
    const bytes = Buffer.from(
      capture.lines
        .flatMap((line) => /^\s+0x[0-9a-f]+:\s+([0-9a-f ]+)/.exec(line)?.[1]!.replaceAll(' ', '') ?? [])
        .join(''),
      'hex',
    );
    const to = parseAddress('10.5.1.0');
    const header = ipv4Header(to, to, 1, 8, 8 + 28);
    header[1] = 0xc0;
    header.set(bytes.subarray(4, 6), 4);
    header.writeUInt16BE(0, 10);
    header.writeUInt16BE(checksum(header), 10);
    expect(bytes.subarray(0, 20).toString('hex')).toBe(header.toString('hex'));
    expect([...bytes.subarray(20, 22)]).toEqual([3, 0]);
    expect(checksum(bytes.subarray(20))).toBe(0);
    expect(bytes.readUInt32BE(28 + 16)).toBe(0x0a056309);
    expect(bytes.length).toBe(20 + 8 + 20 + 8);
  });
});

/** Zero when the checksum of a UDP packet is right. */
function udpChecksumOf(packet: Buffer): number {
  const length = Buffer.alloc(4);
  length.writeUInt16BE(17, 0);
  length.writeUInt16BE(packet.length - 20, 2);
  return checksum(Buffer.concat([packet.subarray(12, 20), length, packet.subarray(20)]));
}
