import type { Host } from '@flannel-ts/lab';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import type { Tunnel, TunnelOptions } from '../src/index.ts';
import { noFastPath } from './support/kernel.ts';
import {
  createOverlay,
  fastRoute,
  join,
  modes,
  port,
  route,
  sourcePorts,
  subnetOf,
  type Overlay,
} from './support/overlay.ts';
import { openSocket, sendUnchecked, udpPacket } from './support/packets.ts';

const fast = modes['fast path'];

/** Sends datagrams from as many ports, as often each, which are flows. */
const sendFlows = `
import socket, sys
for flow in range(int(sys.argv[2])):
    udp = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    udp.bind(('', 20000 + flow))
    for _ in range(int(sys.argv[3])):
        udp.sendto(b'flow %d' % flow, (sys.argv[1], 9))
`;

describe.skipIf(noFastPath)('the outer source ports of a fast path', () => {
  const stack = new AsyncDisposableStack();
  let overlay: Overlay;
  let tunnels: readonly [Tunnel, Tunnel];

  beforeAll(async () => {
    overlay = await createOverlay(stack);
    // Else the kernel sends router solicitations of its own into the TUN devices.
    for (const host of overlay.hosts) await host.run('sysctl', '-qw', 'net.ipv6.conf.default.disable_ipv6=1');
  });
  afterAll(() => stack.disposeAsync());

  async function open(first: Partial<TunnelOptions> = fast, second: Partial<TunnelOptions> = fast) {
    tunnels = await join(overlay, [first, second]);
    // A packet that waits for the peer's link address goes through user space.
    await overlay.hosts[0].run('ping', '-c1', '-W5', overlay.hosts[1].address);
  }
  afterEach(async () => {
    for (const tunnel of tunnels) await tunnel[Symbol.asyncDispose]();
  });

  /** Sends flows between the containers, and returns the ports that each came from at the second host's interface. */
  async function portsOf(flows: number, packets: number): Promise<Map<string, Set<number>>> {
    const [from, to] = overlay.containers;
    const filter = ['udp', 'dst', 'port', `${port}`, 'and', 'src', 'host', overlay.hosts[0].address];
    await using capture = overlay.hosts[1].start([
      'tcpdump',
      '-i',
      'eth0',
      '-Q',
      'in',
      // All as UDP, also what comes from the port of a protocol that it knows.
      '-qnxl',
      '--immediate-mode',
      '-s128',
      '-B8192',
      ...filter,
    ]);
    await capture.line(/listening on/);
    await from.run('python3', '-c', sendFlows, to.address, `${flows}`, `${packets}`);
    const outer = () => capture.lines.filter((line) => / > .*: UDP/.test(line));
    await expect.poll(() => outer().length).toBe(flows * packets);
    return portsByFlow(capture.lines);
  }

  it('are many for many flows, and one for the packets of each', async () => {
    await open();
    const ports = await portsOf(64, 4);
    expect(ports.size).toBe(64);
    for (const used of ports.values()) expect(used.size).toBe(1);
    const all = new Set([...ports.values()].flatMap((used) => [...used]));
    // 64 of 256 ports at random are 57 different ones on average, give or take two.
    expect(all.size).toBeGreaterThan(40);
    for (const source of all) {
      expect(source).toBeGreaterThanOrEqual(sourcePorts.first);
      expect(source).toBeLessThanOrEqual(sourcePorts.last);
    }
    expect(tunnels[1].stats().received.packets).toBe(64 * 4);
    expect(tunnels[1].stats().fastPath!.receiveWrongPeer.packets).toBe(0);
  });

  it('are the tunnel’s alone to a peer that publishes no range', async () => {
    await open();
    tunnels[0].setRoutes([route(subnetOf(2), overlay.hosts[1].address, port, true)]);
    const ports = await portsOf(8, 2);
    expect([...ports.values()].flatMap((used) => [...used])).toEqual(Array.from({ length: 8 }, () => port));
    expect(tunnels[1].stats().received.packets).toBe(16);
  });

  it('are the tunnel’s alone from a tunnel without a range', async () => {
    await open({ underlay: 'eth0', fastPath: true });
    const ports = await portsOf(8, 2);
    expect([...ports.values()].flatMap((used) => [...used])).toEqual(Array.from({ length: 8 }, () => port));
  });

  /** What the second host's tunnel does with a datagram from a port of the first host. */
  async function sendFrom(host: Host, source: number): Promise<Pick<Counts, 'received' | 'wrongPeer'>> {
    using application = openSocket(overlay.hosts[1].path, '10.5.2.0', 2000);
    const before = counts(tunnels[1]);
    const packet = udpPacket({ source: '10.5.1.9', destination: '10.5.2.0' });
    await sendUnchecked(host, { from: source, to: port }, overlay.hosts[1].address, packet);
    await expect.poll(() => counts(tunnels[1]).seen).toBe(before.seen + 1);
    const { received, wrongPeer } = counts(tunnels[1]);
    if (received > before.received) await application.next();
    return { received: received - before.received, wrongPeer: wrongPeer - before.wrongPeer };
  }

  it.each(['in the kernel', 'in user space'])(
    'of a peer are taken %s when they are in its range',
    async (where) => {
      const [first] = overlay.hosts;
      // A fast packet may arrive where the fast path has just ended.
      await open(fast, where === 'in the kernel' ? fast : { underlay: 'eth0' });
      tunnels[1].setRoutes([fastRoute(subnetOf(1), first.address)]);
      expect(tunnels[1].fastPath.on).toBe(where === 'in the kernel');
      for (const source of [port, sourcePorts.first, 800, sourcePorts.last])
        expect(await sendFrom(first, source)).toEqual({ received: 1, wrongPeer: 0 });
      for (const source of [sourcePorts.first - 1, sourcePorts.last + 1])
        expect(await sendFrom(first, source)).toEqual({ received: 0, wrongPeer: 1 });
      tunnels[1].setRoutes([route(subnetOf(1), first.address, port, true)]);
      expect(await sendFrom(first, 800)).toEqual({ received: 0, wrongPeer: 1 });
    },
  );
});

interface Counts {
  readonly received: number;
  readonly wrongPeer: number;
  readonly seen: number;
}

function counts(tunnel: Tunnel): Counts {
  const { received, drops } = tunnel.stats();
  return {
    received: received.packets,
    wrongPeer: drops.wrongPeer,
    seen: received.packets + drops.wrongPeer,
  };
}

/** Reads from tcpdump's output the outer source ports of each inner source port. */
function portsByFlow(lines: readonly string[]): Map<string, Set<number>> {
  const ports = new Map<string, Set<number>>();
  let outer = 0;
  for (const line of lines) {
    const source = / IP \S+\.(\d+) > \S+: UDP/.exec(line)?.[1];
    if (source !== undefined) outer = Number(source);
    // Behind 28 bytes of outer headers and 20 of the inner one.
    const inner = /0x0030: {2}(\w{4})/.exec(line)?.[1];
    if (inner !== undefined) ports.set(inner, (ports.get(inner) ?? new Set()).add(outer));
  }
  return ports;
}
