import { countAnswers, createLab, type Container, type Host, type PingOptions } from '@flannel-ts/lab';
import { parseAddress } from '@flannel-ts/ip';
import { inNamespace } from '@flannel-ts/native';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { openTunnel, type Tunnel, type TunnelFailedError } from '../src/index.ts';
import { checkTransfers, serveTransfers } from './support/check-transfers.ts';
import { holdOpen } from './support/hold-open.ts';
import { noFastPath } from './support/kernel.ts';
import {
  createOverlay,
  endpoint,
  fastRoute,
  join,
  modes,
  mtu,
  openTunnelOn,
  port,
  route,
  subnetOf,
  type Overlay,
} from './support/overlay.ts';
import { checksum, ipv4Header, openSocket, sendRaw, sendUnchecked, udpPacket } from './support/packets.ts';

const fast = modes['fast path'];

/** Sends so many bytes in datagrams of 1,200 in one call (UDP_SEGMENT), which Node cannot. */
const sendSegmented = `
import socket, sys
udp = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
udp.setsockopt(socket.IPPROTO_UDP, 103, 1200)
udp.sendto(bytes(int(sys.argv[2])), (sys.argv[1], 9))
`;

/** Packets that a device received and sent. */
async function packetsOf(host: Host, device: string): Promise<{ received: number; sent: number }> {
  const [link] = await host.json<[{ stats64: { rx: { packets: number }; tx: { packets: number } } }]>(
    ...['ip', '-json', '-statistics', 'link', 'show', device],
  );
  return { received: link.stats64.rx.packets, sent: link.stats64.tx.packets };
}

/** Sends a packet to the decapsulating device's own port by its secret VNI, and waits until the device has it. */
async function forge(from: Host, to: Host, destination: string): Promise<void> {
  const [{ address, linkinfo }] = await to.json<
    [{ address: string; linkinfo: { info_data: { id: number; port: number } } }]
  >('ip', '-json', '-details', 'link', 'show', 'flannel0-rx');
  const { id, port: devicePort } = linkinfo.info_data;
  const before = await packetsOf(to, 'flannel0-rx');
  const vxlan = Buffer.alloc(8, 0);
  vxlan.writeUInt8(0x08, 0);
  vxlan.writeUIntBE(id, 4, 3);
  const ethernet = Buffer.from(`${address}0200000000aa0800`.replaceAll(':', ''), 'hex');
  const packet = udpPacket({ source: '10.5.1.9', destination, payload: Buffer.from('forged') });
  const payload = Buffer.concat([vxlan, ethernet, packet]);
  await sendUnchecked(from, { from: port, to: devicePort }, to.address, payload);
  const received = async () => (await packetsOf(to, 'flannel0-rx')).received;
  await expect.poll(received).toBeGreaterThan(before.received);
}

async function ping(from: Container, to: string, ...options: string[]): Promise<string> {
  return from.run('sh', '-c', `ping -n -W 5 ${options.join(' ')} ${to} 2>&1; true`);
}

describe.skipIf(noFastPath)('a fast path between containers', () => {
  const stack = new AsyncDisposableStack();
  let overlay: Overlay;
  let tunnels: readonly [Tunnel, Tunnel];

  beforeAll(async () => {
    overlay = await createOverlay(stack);
    // Else the kernel sends router solicitations of its own into the TUN devices.
    for (const host of overlay.hosts) await host.run('sysctl', '-qw', 'net.ipv6.conf.default.disable_ipv6=1');
    tunnels = await join(overlay, [fast, fast]);
    for (const tunnel of tunnels) stack.use(tunnel);
    await serveTransfers(overlay.containers[1]);
  });
  afterAll(() => stack.disposeAsync());

  const pingOther = (...options: string[]) =>
    ping(overlay.containers[0], overlay.containers[1].address, ...options);
  const countOthers = (options: PingOptions) =>
    countAnswers(overlay.containers[0], overlay.containers[1].address, options);

  /** Runs `traffic`, and returns how many packets user space and the decapsulating device of the second host got. */
  async function pathOf(traffic: () => Promise<unknown>) {
    const devices = ['flannel0', 'flannel0-rx'] as const;
    const count = () =>
      Promise.all([packetsOf(overlay.hosts[0], devices[0]), packetsOf(overlay.hosts[1], devices[1])]);
    const before = await count();
    await traffic();
    const after = await count();
    return { userSpace: after[0].sent - before[0].sent, kernel: after[1].received - before[1].received };
  }

  it('is on', () => {
    expect(tunnels.map(({ fastPath }) => fastPath)).toEqual([{ on: true }, { on: true }]);
  });

  it('shows what its programs and maps are for in bpftool', async () => {
    const [host] = overlay.hosts;
    const names = ['flannel_deliver', 'flannel_rx', 'flannel_tx'];
    type Shown = { id: number; name?: string; map_ids?: number[] }[];
    const programs = (await host.json<Shown>('bpftool', '-j', 'prog')).filter(({ name }) =>
      names.includes(name!),
    );
    expect([...new Set(programs.map(({ name }) => name))].sort()).toEqual(names);
    const ids = programs.flatMap(({ map_ids = [] }) => map_ids);
    const maps = (await host.json<Shown>('bpftool', '-j', 'map')).filter(({ id }) => ids.includes(id));
    expect([...new Set(maps.map(({ name }) => name))].sort()).toEqual([
      ...[
        'flannel.rodata',
        'flannel_expiry',
        'flannel_lengths',
        'flannel_prefix',
        'flannel_reasons',
        'flannel_traffic',
      ],
    ]);
    const { id } = maps.find(({ name }) => name === 'flannel_reasons')!;
    expect(await host.run('bpftool', 'map', 'dump', 'id', `${id}`)).toContain('"transmit_no_route": ');
  });

  it('keeps packets in the kernel', async () => {
    await pingOther('-c 1');
    const path = await pathOf(async () => expect(await countOthers({ count: 5 })).toBe(5));
    expect(path).toEqual({ userSpace: 0, kernel: 5 });
  });

  it('loses no packet while a peer’s link address is unknown', async () => {
    for (const host of overlay.hosts) await host.run('ip', 'neigh', 'flush', 'dev', 'eth0');
    expect(await countOthers({ count: 3 })).toBe(3);
  });

  it('counts what both sides agree on, segments of super-packets included', async () => {
    const before = tunnels.map((tunnel) => tunnel.stats());
    const [from, to] = overlay.containers;
    await checkTransfers(from, to.address, { seed: 1, bytes: 3e6 });
    // The server may still be closing its connections.
    await vi.waitFor(() => {
      const after = tunnels.map((tunnel) => tunnel.stats());
      const change = (host: 0 | 1, direction: 'sent' | 'received') => ({
        packets: after[host]![direction].packets - before[host]![direction].packets,
        bytes: after[host]![direction].bytes - before[host]![direction].bytes,
      });
      expect(change(0, 'sent')).toEqual(change(1, 'received'));
      expect(change(1, 'sent')).toEqual(change(0, 'received'));
      expect(change(0, 'sent').bytes).toBeGreaterThan(3e6);
      expect(after[0]!.peers[0]!.sent).toEqual(after[0]!.sent);
      expect(after[0]!.peers[0]).toMatchObject({ path: { kind: 'fast' }, inKernel: after[0]!.inKernel });
      const bySpace = after[0]!.sent.bytes - after[0]!.inKernel.sent.bytes;
      expect(bySpace).toBeLessThan(after[0]!.inKernel.sent.bytes / 100);
    });
  });

  it('counts a super-packet as what it is on the wire', async () => {
    const [from, to] = overlay.containers;
    const before = tunnels[0].stats().sent;
    await from.run('python3', '-c', sendSegmented, to.address, '48500');
    // The sender does not wait until the host has forwarded it.
    await expect
      .poll(() => tunnels[0].stats().sent)
      .toEqual({ packets: before.packets + 41, bytes: before.bytes + 40 * (1200 + 28) + 500 + 28 });
  });

  it('leaves super-packets to user space that have no room for what the receiver puts in', async () => {
    const [from, to] = overlay.containers;
    const before = tunnels[1].stats().received;
    const arrived = () => tunnels[1].stats().received.packets - before.packets;
    const path = await pathOf(async () => {
      await from.run('python3', '-c', sendSegmented, to.address, '65460');
      await expect.poll(arrived).toBe(Math.ceil(65_460 / 1200));
    });
    expect(path).toEqual({ userSpace: 1, kernel: 0 });
    expect(tunnels[0].stats().fastPath!.transmitTooLarge).toEqual({ packets: 1 });
  });

  it('goes through a firewall that knows the tunnel’s port only, and strict reverse path filters', async () => {
    const [, second] = overlay.hosts;
    await second.run(
      'iptables',
      '-A',
      'INPUT',
      '-i',
      'eth0',
      '-p',
      'udp',
      '--dport',
      `${port}`,
      '-j',
      'ACCEPT',
    );
    await second.run('iptables', '-A', 'INPUT', '-i', 'eth0', '-j', 'DROP');
    await second.run('iptables', '-P', 'FORWARD', 'DROP');
    await second.run('iptables', '-A', 'FORWARD', '-i', 'flannel0', '-o', 'docker0', '-j', 'ACCEPT');
    await second.run('iptables', '-A', 'FORWARD', '-i', 'docker0', '-o', 'flannel0', '-j', 'ACCEPT');
    await second.run('sysctl', '-qw', 'net.ipv4.conf.all.rp_filter=1');
    const path = await pathOf(async () => expect(await countOthers({ count: 3 })).toBe(3));
    expect(path).toEqual({ userSpace: 0, kernel: 3 });
    await second.run('iptables', '-P', 'FORWARD', 'ACCEPT');
    await second.run('iptables', '-F');
  });

  it.each([
    ['the first', 0, 1],
    ['the second', 1, 0],
  ] as const)(
    'passes by NAT and connection tracking, whoever speaks first: %s host',
    async (_title, from, to) => {
      for (const host of overlay.hosts) {
        await host.run(
          'iptables',
          '-t',
          'nat',
          '-A',
          'POSTROUTING',
          '-s',
          '10.99.0.0/24',
          '-j',
          'MASQUERADE',
        );
        await host.run(
          'iptables',
          '-A',
          'FORWARD',
          '-m',
          'conntrack',
          '--ctstate',
          'NEW,ESTABLISHED',
          '-j',
          'ACCEPT',
        );
      }
      const { containers, hosts } = overlay;
      const before = await packetsOf(hosts[to], 'flannel0-rx');
      expect(await countAnswers(containers[from], containers[to].address, { count: 3 })).toBe(3);
      expect((await packetsOf(hosts[to], 'flannel0-rx')).received - before.received).toBe(3);
      for (const host of hosts) await host.run('iptables', '-t', 'nat', '-F');
      for (const host of hosts) await host.run('iptables', '-F');
    },
  );

  it('carries tunnels of containers unchanged, with their super-packets', async () => {
    const [from, to] = overlay.containers;
    for (const [container, other, address] of [
      [from, to, '10.99.0.1'],
      [to, from, '10.99.0.2'],
    ] as const) {
      const vxlan = ['type', 'vxlan', 'id', '9', 'remote', other.address, 'dstport', '4789', 'dev', 'eth0'];
      await container.run('ip', 'link', 'add', 'inner0', ...vxlan);
      await container.run('ip', 'address', 'add', `${address}/24`, 'dev', 'inner0');
      await container.run('ip', 'link', 'set', 'inner0', 'up');
    }
    const refused = () => tunnels[0].stats().fastPath!.transmitAdjustFailed.packets;
    const before = refused();
    await checkTransfers(from, '10.99.0.2', { seed: 2, bytes: 3e6 });
    expect(refused()).toBeGreaterThan(before);
    // Its router solicitations would be counted by the tests below.
    for (const container of [from, to]) await container.run('ip', 'link', 'delete', 'inner0');
  });

  it.each([
    ['user space sent', port, 1300],
    ['the fast path sent', 800, 1200],
  ])(
    'sends what is larger than a path, learned of by what %s, through user space, which tells the sender',
    async (_title, source, learned) => {
      const [first, second] = overlay.hosts;
      const outer = ipv4Header(
        parseAddress(first.address),
        parseAddress(second.address),
        17,
        64,
        1480,
        0x4000,
      );
      const udp = Buffer.alloc(8);
      udp.writeUInt16BE(source, 0);
      udp.writeUInt16BE(port, 2);
      const icmp = Buffer.concat([Buffer.from([3, 4, 0, 0, 0, 0, learned >> 8, learned & 255]), outer, udp]);
      icmp.writeUInt16BE(checksum(icmp), 2);
      // A router on the way says "fragmentation needed" (RFC 1191, section 4).
      await sendRaw(second, 'icmp', first.address, icmp);
      await expect.poll(() => first.run('ip', 'route', 'get', second.address)).toContain(`mtu ${learned}`);
      const flushed = async () => overlay.containers[0].run('ip', 'route', 'flush', 'cache');
      await flushed();
      const answer = await pingOther('-c 1', '-M do', `-s ${learned - 55}`);
      expect(answer).toMatch(new RegExp(`Frag needed and DF set \\(mtu = ${learned - 28}\\)`, 'i'));
      await flushed();
      const path = await pathOf(async () =>
        expect(await pingOther('-c 1', '-M do', `-s ${learned - 56}`)).toContain('1 received'),
      );
      expect(path).toEqual({ userSpace: 0, kernel: 1 });
    },
  );

  it('sets the decapsulating device up again when another process sets it down', async () => {
    const [, second] = overlay.hosts;
    await second.run('ip', 'link', 'set', 'flannel0-rx', 'down');
    await expect.poll(() => second.run('ip', '-brief', 'link', 'show', 'flannel0-rx')).toMatch(/[<,]UP[,>]/);
    const path = await pathOf(async () => expect(await countOthers({ count: 3 })).toBe(3));
    expect(path).toEqual({ userSpace: 0, kernel: 3 });
  });

  it('is not open to packets for the decapsulating device itself', async () => {
    const [first, second] = overlay.hosts;
    using application = openSocket(second.path, '10.5.2.0', 2000);
    await forge(first, second, '10.5.2.0');
    const good = udpPacket({ source: '10.5.1.9', destination: '10.5.2.0', payload: Buffer.from('good') });
    await sendUnchecked(first, { from: port, to: port }, second.address, good);
    expect((await application.next()).toString()).toBe('good');
  });

  it('counts why packets go through user space, while the loopback device does not forward', async () => {
    const [first] = overlay.hosts;
    const disabled = () => tunnels[0].stats().fastPath!.transmitForwardingDisabled.packets;
    const before = disabled();
    await first.run('sysctl', '-qw', 'net.ipv4.conf.lo.forwarding=0');
    const path = await pathOf(async () => expect(await countOthers({ count: 3 })).toBe(3));
    await first.run('sysctl', '-qw', 'net.ipv4.conf.lo.forwarding=1');
    expect(path).toEqual({ userSpace: 3, kernel: 0 });
    expect(disabled() - before).toBe(3);
  });

  it('loses nothing when a peer starts or ends to take fast packets', async () => {
    const [, second] = overlay.hosts;
    const flood = countOthers({ count: 400, interval: 0.002 });
    let turns = 0;
    const turning = setInterval(() => {
      const { destination, peer } = fastRoute(subnetOf(2), second.address);
      tunnels[0].setRoutes([{ destination, peer: { ...peer, fastPath: turns++ % 2 === 0 } }]);
    }, 20);
    expect(await flood).toBe(400);
    clearInterval(turning);
    expect(turns).toBeGreaterThan(10);
  });

  it('ends with the tunnel, and leaves the TUN device to the next', async () => {
    const [first, second] = overlay.hosts;
    const totals = tunnels[0].stats().sent;
    expect(totals.packets).toBeGreaterThan(0);
    tunnels[0].close();
    tunnels[0].close();
    expect(await first.run('ip', 'link')).not.toContain('flannel0-rx');
    await using tunnel = await openTunnelOn(first, 1);
    tunnel.setRoutes([route(subnetOf(2), second.address)]);
    tunnels[1].setRoutes([route(subnetOf(1), first.address)]);
    const path = await pathOf(async () => expect(await countOthers({ count: 2 })).toBe(2));
    expect(path).toEqual({ userSpace: 2, kernel: 0 });
  });
});

describe.skipIf(noFastPath)('routes of a fast path', () => {
  it('prefer the longest prefix, of any number of lengths', async () => {
    await using stack = new AsyncDisposableStack();
    const lab = stack.use(await createLab());
    const [host, peerHost] = [await lab.addHost(), await lab.addHost()];
    await using tunnel = await openTunnelOn(host, 1, fast);
    const lengths = [9, 12, 16, 20, 24, 28, 32];
    const peers = lengths.map((length) =>
      stack.use(openSocket(peerHost.path, peerHost.address, 9000 + length)),
    );
    using application = openSocket(host.path, '10.5.1.0', 2000);
    await host.run('ip', 'route', 'replace', '10.0.0.0/8', 'dev', 'flannel0');
    tunnel.setRoutes(
      lengths.map((length) => route(`${networkOf(length)}/${length}`, peerHost.address, 9000 + length, true)),
    );
    // The first packet asks for the peer's link address.
    application.send(Buffer.from('first'), 2000, '10.200.200.200');
    await peers.at(-1)!.next();
    for (const [index, length] of lengths.entries()) {
      // Outside of the next longer prefix.
      const to = length === 32 ? '10.200.200.200' : outsideOf(lengths[index + 1]!);
      application.send(Buffer.from(`to ${length}`), 2000, to);
      expect((await peers[index]!.next()).subarray(28).toString()).toBe(`to ${length}`);
    }
    // User space, which the shortest prefixes are left to, counts a packet once it was sent.
    const sent = () => tunnel.stats().peers.map(({ sent }) => sent.packets);
    await expect.poll(() => sent().toSorted()).toEqual([1, 1, 1, 1, 1, 1, 2]);
  });

  const target = 0x0ac8c8c8;
  const dotted = (value: number) => [24, 16, 8, 0].map((shift) => (value >>> shift) & 255).join('.');
  const networkOf = (length: number) => dotted((target >>> (32 - length)) * 2 ** (32 - length));
  /** Differs from the target in the last bit of a prefix. */
  const outsideOf = (length: number) => dotted((target ^ (1 << (32 - length))) >>> 0);
});

describe.skipIf(noFastPath)('a killed process', () => {
  it('leaves a device behind that nobody can send into', async () => {
    await using stack = new AsyncDisposableStack();
    const lab = stack.use(await createLab());
    const [host, stranger] = [await lab.addHost(), await lab.addHost()];
    const program = host.start([...holdOpen, host.address]);
    await program.line(/open/);
    await host.run('ip', 'address', 'add', '10.5.2.0/32', 'dev', 'flannel0');
    await host.run('kill', '-KILL', `${program.pid}`);
    await program.exited;
    using application = openSocket(host.path, '10.5.2.0', 2000);
    using neighbour = openSocket(host.path, '10.5.2.0', 2001);
    await forge(stranger, host, '10.5.2.0');
    neighbour.send(Buffer.from('good'), 2000, '10.5.2.0');
    expect((await application.next()).toString()).toBe('good');
  });
});

describe('a host', () => {
  const stack = new AsyncDisposableStack();
  let host: Host;
  beforeAll(async () => {
    host = await stack.use(await createLab()).addHost();
  });
  afterAll(() => stack.disposeAsync());

  const open = (underlay = 'eth0', onFailure?: (error: TunnelFailedError) => void) =>
    inNamespace(host.path, () =>
      openTunnel({
        ...{ tun: { name: 'flannel0', mtu }, socket: endpoint(host.address), underlay, fastPath: true },
        ...(onFailure ? { onFailure } : {}),
      }),
    );

  async function reasonOf(tunnel: Tunnel): Promise<string | undefined> {
    await using opened = tunnel;
    return opened.fastPath.on ? undefined : opened.fastPath.reason;
  }

  it('says why it has no fast path, and carries on without', async () => {
    expect(await reasonOf(open('eth9'))).toBe('there is no interface eth9');
    expect(await reasonOf(open('lo'))).toBe('lo is not an Ethernet interface');
    expect(await reasonOf(await openTunnelOn(host, 1))).toBe('it was not asked for');
    const nowhere = await openTunnelOn(host, 1, { fastPath: true });
    expect(await reasonOf(nowhere)).toBe('it needs the name of the underlay');
  });

  it.each([
    ['', 'it needs CAP_BPF and CAP_PERFMON, which this process lacks'],
    [',+bpf', 'it needs CAP_PERFMON, which this process lacks'],
    ...(noFastPath
      ? []
      : [
          [',+bpf,+perfmon', 'open'],
          [',+sys_admin', 'open'],
        ]),
  ])('says which privilege a process lacks that has net_admin,net_raw%s: %s', async (more, answer) => {
    const limited = ['setpriv', `--bounding-set=-all,+net_admin,+net_raw${more}`];
    const program = host.start([...limited, ...holdOpen, host.address]);
    expect(await program.line(/./)).toBe(answer);
    await program.stop();
  });

  it.skipIf(noFastPath)('with IPsec policies has none, which would pass them by', async () => {
    const policy = ['dst', '192.0.2.0/24', 'dir', 'out'];
    await host.run('ip', 'xfrm', 'policy', 'add', ...policy, 'tmpl', 'proto', 'esp', 'mode', 'transport');
    expect(await reasonOf(open())).toBe('this host has IPsec policies, which it would pass by');
    await host.run('ip', 'xfrm', 'policy', 'delete', ...policy);
    expect(await reasonOf(open())).toBeUndefined();
  });

  it.skipIf(noFastPath)('names the switch of the kernel that would keep it from finding routes', async () => {
    const set = (name: string, value: number) => host.run('sysctl', '-qw', `net.ipv4.${name}=${value}`);
    await set('conf.lo.forwarding', 0);
    expect(await reasonOf(open())).toBe(
      'net.ipv4.conf.lo.forwarding is 0, so that the kernel finds no routes for it; sysctl -w net.ipv4.conf.lo.forwarding=1',
    );
    // A host that does not forward at all will set it for all devices when it does.
    await set('ip_forward', 0);
    expect(await reasonOf(open())).toBeUndefined();
    await set('ip_forward', 1);
    expect(await reasonOf(open())).toBeUndefined();
  });

  it.skipIf(noFastPath)(
    'replaces a device that a killed process left, and takes another port than one in use',
    async () => {
      const vxlan = ['type', 'vxlan', 'id', '9', 'dstport', '48285'];
      await host.run('ip', 'link', 'add', 'flannel0-rx', ...vxlan);
      await host.run('ip', 'link', 'set', 'flannel0-rx', 'up');
      expect(await reasonOf(open())).toBeUndefined();
      using _taken = openSocket(host.path, '0.0.0.0', 48_285);
      await using tunnel = open();
      expect(tunnel.fastPath).toEqual({ on: true });
      expect(await host.run('ss', '-lun')).toContain(':48286');
    },
  );

  it('without a fast path removes the device that a killed process left behind', async () => {
    await host.run('ip', 'link', 'add', 'flannel0-rx', 'type', 'vxlan', 'id', '9', 'dstport', '48285');
    expect(await reasonOf(open('eth9'))).toBe('there is no interface eth9');
    expect(await host.run('ip', 'link')).not.toContain('flannel0-rx');
  });

  it.skipIf(noFastPath).each(['flannel0-rx', 'eth1'])('reports that %s was deleted', async (device) => {
    await host.run('ip', 'link', 'add', 'eth1', 'type', 'veth', 'peer', 'name', 'eth2');
    const onFailure = vi.fn<(error: TunnelFailedError) => void>();
    await using _tunnel = open('eth1', onFailure);
    await host.run('ip', 'link', 'delete', device);
    await expect.poll(() => onFailure).toHaveBeenCalledOnce();
    expect(onFailure.mock.calls[0]![0].message).toContain(`${device} was deleted`);
    await host.run('ip', 'link', 'delete', 'eth1').catch(() => undefined);
  });
});
