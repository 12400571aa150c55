import { createLab, type Host } from '@flannel-ts/lab';
import { inNamespace } from '@flannel-ts/native';
import { parseInterfaceAddress } from '@flannel-ts/ip';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { openTunnel, TunnelOpenError, type TunnelFailedError, type TunnelOptions } from '../src/index.ts';
import { noFastPath } from './support/kernel.ts';
import { endpoint, mtu, openTunnelOn, port, route, subnetOf } from './support/overlay.ts';
import { openSocket, udpPacket } from './support/packets.ts';

describe('opening and closing', () => {
  const stack = new AsyncDisposableStack();
  let host: Host;

  beforeAll(async () => {
    const lab = stack.use(await createLab());
    host = await lab.addHost();
  });
  afterAll(() => stack.disposeAsync());

  const open = (options: Partial<TunnelOptions> = {}) =>
    inNamespace(host.path, () =>
      openTunnel({ tun: { name: 'flannel0', mtu }, socket: endpoint(host.address), ...options }),
    );
  const problemOf = (options: Partial<TunnelOptions>) => {
    try {
      open(options).close();
      return undefined;
    } catch (error) {
      expect(error).toBeInstanceOf(TunnelOpenError);
      return error as TunnelOpenError;
    }
  };
  const link = async (name = 'flannel0') =>
    (await host.json<{ mtu: number; flags: string[] }[]>('ip', '-json', 'link', 'show', name))[0]!;

  it('brings the device up with its MTU', async () => {
    await using tunnel = open({ tun: { name: 'flannel0', mtu: 1400 } });
    expect(tunnel.device).toBe('flannel0');
    expect(tunnel.local).toEqual(endpoint(host.address));
    expect((await link()).mtu).toBe(1400);
    expect((await link()).flags).toContain('UP');
  });

  it('keeps a persistent device with its addresses and routes, and attaches to it again', async () => {
    const routes = () => host.run('ip', 'route', 'show', '10.5.0.0/16');
    const first = await openTunnelOn(host, 1);
    const before = await link();
    first.close();
    expect(await routes()).toContain('dev flannel0');
    await using second = open();
    expect(await routes()).toContain('dev flannel0');
    expect(await link()).toEqual(before);

    second.setRoutes([route(subnetOf(2), host.address, 9000)]);
    using peer = openSocket(host.path, host.address, 9000);
    using application = openSocket(host.path, '10.5.1.0', 2000);
    application.send(Buffer.from('again'), 2000, '10.5.2.9');
    expect((await peer.next()).subarray(28).toString()).toBe('again');
  });

  it.each([
    ['auto', 'none'],
    ['none', 'auto'],
  ] as const)('changes the offloads of a persistent device from %s to %s', async (before, after) => {
    open({ offloads: before }).close();
    await using tunnel = open({ offloads: after });
    expect(Object.values(tunnel.stats().offloads)).toEqual(Array.from({ length: 4 }, () => after === 'auto'));
  });

  it.each([
    [1, 4],
    [4, 1],
  ] as const)(
    'attaches with its threads to a persistent device that was made with others: %i, then %i',
    async (before, after) => {
      await host.run('ip', 'link', 'delete', 'flannel0').catch(() => undefined);
      open({ threads: before }).close();
      await using tunnel = await openTunnelOn(host, 1, { threads: after });
      tunnel.setRoutes([route(subnetOf(2), host.address, 9000)]);
      using peer = openSocket(host.path, host.address, 9000);
      using application = openSocket(host.path, '10.5.1.0', 2000);
      application.send(Buffer.from('carried'), 2000, '10.5.2.9');
      expect((await peer.next()).subarray(28).toString()).toBe('carried');
    },
  );

  it('takes a device that is not persistent with it', async () => {
    open({ tun: { name: 'gone0', mtu, persistent: false } }).close();
    await expect(link('gone0')).rejects.toThrow('does not exist');
  });

  it('closes while nothing comes, and may be closed twice', () => {
    const tunnel = open();
    tunnel.close();
    tunnel.close();
    expect(() => tunnel.stats()).toThrow('the tunnel is closed');
  });

  it('says which port is in use, and leaves the device to its owner', async () => {
    await using tunnel = await openTunnelOn(host, 1);
    const error = problemOf({});
    expect(error).toMatchObject({ problem: 'port-in-use', local: endpoint(host.address) });
    expect(error?.message).toContain(`UDP port ${port} on ${host.address} is in use`);
    expect(tunnel.stats().drops.malformed).toBe(0);
  });

  it('says that another process has the device', async () => {
    await using _tunnel = open();
    expect(problemOf({ socket: endpoint(host.address, 8286) })?.problem).toBe('device-busy');
  });

  it('says that the address is missing, and that a device is no TUN device', async () => {
    expect(problemOf({ socket: endpoint('192.0.2.1') })?.problem).toBe('address-missing');
    await host.run('ip', 'link', 'add', 'bridge0', 'type', 'bridge');
    expect(problemOf({ tun: { name: 'bridge0', mtu } })?.problem).toBe('not-a-tun');
  });

  it('reports that its device was deleted', async () => {
    const onFailure = vi.fn<(error: TunnelFailedError) => void>();
    await using _tunnel = open({ tun: { name: 'doomed0', mtu }, onFailure });
    await host.run('ip', 'link', 'delete', 'doomed0');
    await expect.poll(() => onFailure).toHaveBeenCalledOnce();
    expect(onFailure.mock.calls[0]![0]).toMatchObject({ name: 'TunnelFailedError', device: 'doomed0' });
  });

  it.for(['off', 'on'])('carries packets by its initial routes, fast path %s', async (fastPath, { skip }) => {
    skip(fastPath === 'on' && noFastPath !== undefined, noFastPath);
    using peer = openSocket(host.path, host.address, 9000);
    await using tunnel = open({
      ...(fastPath === 'on' ? { underlay: 'eth0', fastPath: true } : {}),
      initial: {
        localSubnets: [parseInterfaceAddress(subnetOf(1))],
        routes: [route(subnetOf(2), host.address, 9000)],
      },
    });
    await host.run('ip', 'address', 'replace', '10.5.1.0/32', 'dev', 'flannel0');
    await host.run('ip', 'route', 'replace', '10.5.0.0/16', 'dev', 'flannel0');
    using application = openSocket(host.path, '10.5.1.0', 2000);
    application.send(Buffer.from('out'), 2000, '10.5.2.9');
    expect((await peer.next()).subarray(28).toString()).toBe('out');
    const payload = Buffer.from('in');
    peer.send(udpPacket({ source: '10.5.2.9', destination: '10.5.1.0', payload }), port, host.address);
    expect((await application.next()).toString()).toBe('in');
    expect(tunnel.fastPath.on).toBe(fastPath === 'on');
  });

  it('leaves nothing open when it cannot begin with what it is given', async () => {
    const initial = { localSubnets: [], routes: [route(subnetOf(2), 'fd77::2')] };
    expect(() => open({ initial })).toThrow('use an IPv4 address');
    await using _next = open();
  });

  it('refuses a peer of another address family', async () => {
    await using tunnel = open();
    expect(() => tunnel.setRoutes([route(subnetOf(2), 'fd77::2')])).toThrow('use an IPv4 address');
  });
});

describe('routes', () => {
  const stack = new AsyncDisposableStack();
  let host: Host;
  beforeAll(async () => {
    host = await stack.use(await createLab()).addHost();
  });
  afterAll(() => stack.disposeAsync());

  it('prefer the longest prefix, replace by destination, and keep counters while the peer stays', async () => {
    await using tunnel = await openTunnelOn(host, 1);
    const [wide, narrow] = [9001, 9002].map((peerPort) =>
      stack.use(openSocket(host.path, host.address, peerPort)),
    );
    using application = openSocket(host.path, '10.5.1.0', 2000);
    const send = (to: string, text: string) => application.send(Buffer.from(text), 2000, to);
    const text = async (peer: typeof wide) => (await peer!.next()).subarray(28).toString();

    tunnel.setRoutes([route('10.5.0.0/16', host.address, 9001), route('10.5.2.0/24', host.address, 9002)]);
    send('10.5.2.1', 'narrow');
    send('10.5.3.1', 'wide');
    expect([await text(narrow), await text(wide)]).toEqual(['narrow', 'wide']);

    tunnel.updateRoutes({
      add: [route('10.5.0.0/16', host.address, 9002)],
      remove: [route('10.5.2.0/24', host.address).destination],
    });
    send('10.5.2.1', 'moved');
    expect(await text(narrow)).toBe('moved');
    // A packet is counted once it was sent.
    await expect
      .poll(() => tunnel.stats().peers)
      .toMatchObject([{ route: route('10.5.0.0/16', host.address, 9002), sent: { packets: 1 } }]);

    tunnel.setRoutes([route('10.5.0.0/16', host.address, 9002)]);
    expect(tunnel.stats().peers[0]!.sent.packets).toBe(1);
  });

  it('may change all the time while packets flow, for 10,000 peers', async () => {
    await using tunnel = await openTunnelOn(host, 1);
    using peer = openSocket(host.path, host.address, 9003);
    using application = openSocket(host.path, '10.5.1.0', 2000);
    const many = Array.from({ length: 10_000 }, (_, index) =>
      route(`10.${100 + (index >> 8)}.${index & 255}.0/24`, '192.168.77.99'),
    );
    const good = route(subnetOf(2), host.address, 9003);
    tunnel.setRoutes([...many, good]);
    const before = process.cpuUsage();
    for (const changed of many) tunnel.updateRoutes({ add: [changed], remove: [changed.destination] });
    const { user, system } = process.cpuUsage(before);
    expect((user + system) / many.length).toBeLessThan(200);

    const packets = 300;
    for (let sent = 0; sent < packets; sent++) {
      peer.send(
        udpPacket({ source: '10.5.2.9', destination: '10.5.1.0', payload: Buffer.from([sent & 255]) }),
        port,
        host.address,
      );
      tunnel.updateRoutes({ add: [good, many[sent]!], remove: [many[sent]!.destination] });
      if (sent % 50 === 0) tunnel.setRoutes([good, ...many.slice(sent)]);
      expect((await application.next())[0]).toBe(sent & 255);
    }
    expect(tunnel.stats().peers.length).toBeGreaterThan(9_700);
    const counted = () =>
      tunnel.stats().peers.find(({ route }) => route.destination.equals(good.destination));
    // A packet is counted once it was delivered.
    await expect.poll(() => counted()!.received.packets).toBe(packets);
  });
});
