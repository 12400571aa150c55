import { createLab, type Host } from '@flannel-ts/lab';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Tunnel, TunnelOptions } from '../src/index.ts';
import { noFastPath } from './support/kernel.ts';
import { endpoint, openTunnelOn, port, route, subnetOf } from './support/overlay.ts';
import { udpPacket } from './support/packets.ts';

/** Prints the traffic class and the bytes of every datagram: IP_RECVTOS or IPV6_RECVTCLASS, which Node cannot read. */
const receive = `
import socket, sys
six = ':' in sys.argv[1]
udp = socket.socket(socket.AF_INET6 if six else socket.AF_INET, socket.SOCK_DGRAM)
udp.setsockopt(*((41, 66, 1) if six else (0, 13, 1)))
udp.bind((sys.argv[1], int(sys.argv[2])))
print('ready', flush=True)
while True:
    data, control, _, _ = udp.recvmsg(2000, 100)
    print(control[0][2][0], data.hex(), flush=True)
`;

/** Sends datagrams from a port, without a UDP checksum if so, each with a traffic class of its own: `CLASS:HEX`. */
const send = `
import socket, sys
six = ':' in sys.argv[2]
udp = socket.socket(socket.AF_INET6 if six else socket.AF_INET, socket.SOCK_DGRAM)
udp.bind((sys.argv[1], int(sys.argv[4])))
udp.setsockopt(socket.SOL_SOCKET, 11, sys.argv[5] == 'unchecked')
for argument in sys.argv[6:]:
    tos, data = argument.split(':')
    udp.setsockopt(*((41, 67) if six else (0, 1)), int(tos))
    udp.sendto(bytes.fromhex(data), (sys.argv[2], int(sys.argv[3])))
`;

/** Counts what the programs of a fast path did not take. */
function leftToUserSpace(tunnel: Tunnel): number {
  const reasons = Object.values(tunnel.stats().fastPath ?? {});
  return reasons.reduce((sum, { packets }) => sum + packets, 0);
}

async function receiveErrors(host: Host, device: string): Promise<number> {
  const [link] = await host.json<[{ stats64: { rx: { errors: number } } }]>(
    ...['ip', '-json', '-statistics', 'link', 'show', device],
  );
  return link.stats64.rx.errors;
}

const dscp = 46 << 2;
const [notEct, ect1, ect0, ce] = [0, 1, 2, 3];
const fields = [notEct, ect0, ect1, ce];
const hex = (text: string) => Buffer.from(text).toString('hex');

describe.each([
  ['IPv4', ['10.77.0.1', '10.77.0.2', 24]],
  ['IPv6', ['fd77::1', 'fd77::2', 64]],
] as const)('the traffic class over %s', (_family, [own, other, length]) => {
  const hasFastPath = !noFastPath && length === 24;
  const stack = new AsyncDisposableStack();
  let host: Host;
  let peerHost: Host;

  beforeAll(async () => {
    const lab = stack.use(await createLab());
    [host, peerHost] = [await lab.addHost(), await lab.addHost()];
    for (const [to, address] of [
      [host, own],
      [peerHost, other],
    ] as const) {
      const nodad = address.includes(':') ? ['nodad'] : [];
      await to.run('ip', 'address', 'add', `${address}/${length}`, 'dev', 'eth0', ...nodad);
    }
    await host.run('sysctl', '-qw', 'net.ipv6.conf.default.disable_ipv6=1');
  });
  afterAll(() => stack.disposeAsync());

  async function open(options: Partial<TunnelOptions>, ecn = false): Promise<Tunnel> {
    const tunnel = await openTunnelOn(host, 1, { socket: endpoint(own), underlay: 'eth0', ...options });
    expect(tunnel.fastPath.on).toBe(options.fastPath === true && hasFastPath);
    // A packet that waits for the peer's link address goes through user space.
    await host.run('ping', '-c1', '-W5', other);
    const { destination, peer } = route(subnetOf(2), other, port, tunnel.fastPath.on);
    tunnel.setRoutes([{ destination, peer: { ...peer, ecn } }]);
    return tunnel;
  }

  it.each([
    ['is zero as upstream’s', {}, true, [0, 0, 0, 0]],
    ['is the inner DSCP', { tos: 'inherit' }, false, [dscp, dscp, dscp, dscp]],
    ['is the inner one', { tos: 'inherit' }, true, fields.map((field) => dscp | field)],
    ['is the inner one', { tos: 'inherit', offloads: 'none' }, true, fields.map((field) => dscp | field)],
    ['is zero', { fastPath: true }, true, [0, 0, 0, 0]],
    ['is the inner DSCP', { tos: 'inherit', fastPath: true }, false, [dscp, dscp, dscp, dscp]],
    ['is the inner one', { tos: 'inherit', fastPath: true }, true, fields.map((field) => dscp | field)],
  ] as const)(
    'of an outer header %s with %o, and a peer that combines: %s',
    async (_title, options, ecn, expected) => {
      await using tunnel = await open(options, ecn);
      const receiver = peerHost.start(['python3', '-uc', receive, other, `${port}`]);
      await receiver.line(/ready/);
      const datagrams = fields.map((field) => `${dscp | field}:${hex(`field ${field}`)}`);
      await host.run('python3', '-c', send, '10.5.1.0', '10.5.2.9', '2000', '1000', 'checked', ...datagrams);
      await receiver.line(new RegExp(`${hex('field 3')}$`));
      const outer = receiver.lines.flatMap((line) => /^(\d+) 45/.exec(line)?.[1] ?? []).map(Number);
      expect(outer).toEqual(expected);
      expect(leftToUserSpace(tunnel)).toBe(0);
      await receiver.stop();
    },
  );

  it.each([{}, { offloads: 'none' }, { fastPath: true }] as const)(
    'is combined as RFC 6040 has it, with %o',
    async (options) => {
      await using tunnel = await open(options);
      const receiver = host.start(['python3', '-uc', receive, '10.5.1.0', '2000']);
      await receiver.line(/ready/);
      const datagrams = fields.flatMap((inner) =>
        fields.map((outer) => {
          const packet = udpPacket({
            ...{ source: '10.5.2.9', destination: '10.5.1.0', tos: dscp | inner },
            payload: Buffer.from([inner, outer]),
          });
          return `${outer}:${packet.toString('hex')}`;
        }),
      );
      const checked = tunnel.fastPath.on ? 'unchecked' : 'checked';
      await peerHost.run('python3', '-c', send, other, own, `${port}`, `${port}`, checked, ...datagrams);
      await receiver.line(new RegExp(`${Buffer.from([ce, ce]).toString('hex')}$`));
      const combined = receiver.lines.flatMap((line) => {
        const [, tos, inner, outer] = /^(\d+) 0(\d)0(\d)$/.exec(line) ?? [];
        return tos === undefined ? [] : [[Number(inner), Number(outer), Number(tos) ^ dscp]];
      });
      // Inner and outer field, and what is delivered; without what has no mark and would need one (figure 4).
      expect(combined).toEqual([
        ...[notEct, ect0, ect1].map((outer) => [notEct, outer, notEct]),
        ...[notEct, ect0].map((outer) => [ect0, outer, ect0]),
        ...[ect1, ce].map((outer) => [ect0, outer, outer]),
        ...[notEct, ect0, ect1].map((outer) => [ect1, outer, ect1]),
        [ect1, ce, ce],
        ...fields.map((outer) => [ce, outer, ce]),
      ]);
      // In the fast path it is the decapsulating device that combines, and counts what it drops.
      const { drops } = tunnel.stats();
      const dropped = tunnel.fastPath.on ? await receiveErrors(host, 'flannel0-rx') : drops.congestion;
      expect([dropped, drops.malformed, leftToUserSpace(tunnel)]).toEqual([1, 0, 0]);
      await receiver.stop();
    },
  );
});
