import { createLab, type Container, type Host } from '@flannel-ts/lab';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Tunnel, TunnelOptions } from '../src/index.ts';
import { endpoint, openTunnelOn, port, route, subnetOf } from './support/overlay.ts';
import { openSocket, sendPacket, udpPacket } from './support/packets.ts';

const fromPeer = (payload: string) =>
  udpPacket({ source: '10.5.2.9', destination: '10.5.1.0', payload: Buffer.from(payload) });

describe('a datagram that a container sends with a peer’s address and port', () => {
  const stack = new AsyncDisposableStack();
  let host: Host;
  let peerHost: Host;
  let container: Container;

  beforeAll(async () => {
    const lab = stack.use(await createLab());
    [host, peerHost] = [await lab.addHost(), await lab.addHost()];
    container = await host.addContainer({ bip: '10.5.1.1/24', mtu: 1472 });
    // A strict filter would drop it before the tunnel; 0 is the kernel's default, and that of many distributions.
    for (const name of ['all', 'docker0'])
      await host.run('sysctl', '-qw', `net.ipv4.conf.${name}.rp_filter=0`);
  });
  afterAll(() => stack.disposeAsync());

  /** Forges a datagram, then sends a good one as the peer; returns what is delivered and how many are refused. */
  async function attack(options: Partial<TunnelOptions>) {
    await using tunnel = await openTunnelOn(host, 1, options);
    using application = openSocket(host.path, '10.5.1.0', 2000);
    using peer = openSocket(peerHost.path, peerHost.address, port);
    tunnel.setRoutes([route(subnetOf(2), peerHost.address)]);
    const carried = () => tunnel.stats().received.packets + tunnel.stats().drops.wrongInterface;
    const forged = {
      ...{ source: peerHost.address, sourcePort: port },
      ...{ destination: host.address, destinationPort: port },
    };
    await sendPacket(container, host.address, udpPacket({ ...forged, payload: fromPeer('forged') }));
    await expect.poll(carried).toBe(1);
    peer.send(fromPeer('good'), port, host.address);
    await expect.poll(carried).toBe(2);
    await expect.poll(() => application.received.at(-1)?.data.toString()).toBe('good');
    return {
      delivered: application.received.map(({ data }) => data.toString()),
      refused: tunnel.stats().drops.wrongInterface,
    };
  }

  it('is delivered by a tunnel that does not know its underlay', async () => {
    expect(await attack({})).toEqual({ delivered: ['forged', 'good'], refused: 0 });
  });

  it('is dropped and counted by a tunnel that knows it', async () => {
    expect(await attack({ underlay: 'eth0' })).toEqual({ delivered: ['good'], refused: 1 });
    expect(await attack({ underlay: 'eth0', offloads: 'none' })).toEqual({ delivered: ['good'], refused: 1 });
  });

  it('is delivered by a tunnel that accepts any', async () => {
    const options = { underlay: 'eth0', accept: 'any' } as const;
    expect(await attack(options)).toEqual({ delivered: ['forged', 'good'], refused: 0 });
  });
});

describe('datagrams that arrive on', () => {
  const stack = new AsyncDisposableStack();
  let host: Host;
  let peerHost: Host;

  beforeAll(async () => {
    const lab = stack.use(await createLab());
    [host, peerHost] = [await lab.addHost(), await lab.addHost()];
    // Else the interface below a macvlan answers for its address, and gets its datagrams.
    await host.run('sysctl', '-qw', 'net.ipv4.conf.all.arp_ignore=1');
  });
  afterAll(() => stack.disposeAsync());

  const addresses = { ipv4: ['10.9.0.1', '10.9.0.2', 24], ipv6: ['fd09::1', 'fd09::2', 64] } as const;
  type Family = keyof typeof addresses;

  async function addAddress(to: Host, link: string, address: string, length: number): Promise<void> {
    const nodad = address.includes(':') ? ['nodad'] : [];
    await to.run('ip', 'address', 'add', `${address}/${length}`, 'dev', link, ...nodad);
    await to.run('ip', 'link', 'set', link, 'up');
  }

  /** Connects both hosts anew by `wire0`, and gives the underlay of this kind on top of it its address. */
  async function connect(kind: Kind, family: Family): Promise<void> {
    const [own, other, length] = addresses[family];
    const far = ['peer', 'name', 'wire0', 'netns', peerHost.namespace];
    await host.run('ip', 'link', 'add', 'wire0', 'type', 'veth', ...far);
    for (const command of kinds[kind].setUp) await host.run('ip', ...command.split(' '));
    await host.run('ip', 'link', 'set', 'wire0', 'up');
    await addAddress(peerHost, 'wire0', other, length);
    await addAddress(host, kinds[kind].underlay, own, length);
  }

  async function disconnect(kind: Kind): Promise<void> {
    if (kind === 'bridge') await host.run('ip', 'link', 'delete', 'br9');
    await host.run('ip', 'link', 'delete', 'wire0');
  }

  const kinds = {
    ethernet: { underlay: 'wire0', setUp: [] },
    macvlan: { underlay: 'mac0', setUp: ['link add link wire0 name mac0 type macvlan'] },
    bridge: {
      underlay: 'br9',
      setUp: ['link add br9 type bridge', 'link set wire0 master br9', 'link set br9 up'],
    },
  } satisfies Record<string, { underlay: string; setUp: string[] }>;
  type Kind = keyof typeof kinds;

  it.each([
    ['an Ethernet interface', 'ethernet', 'ipv4'],
    ['an Ethernet interface with IPv6', 'ethernet', 'ipv6'],
    ['a macvlan', 'macvlan', 'ipv4'],
    ['a bridge', 'bridge', 'ipv4'],
    ['a bridge with IPv6', 'bridge', 'ipv6'],
  ] as const)(
    '%s are delivered, also after it was deleted and created again',
    async (_title, kind, family) => {
      const [own, other] = addresses[family];
      await connect(kind, family);
      const options = { socket: endpoint(own), underlay: kinds[kind].underlay };
      await using tunnel: Tunnel = await openTunnelOn(host, 1, options);
      tunnel.setRoutes([route(subnetOf(2), other)]);
      using application = openSocket(host.path, '10.5.1.0', 2000);
      const send = async (payload: string) => {
        using peer = openSocket(peerHost.path, other, port);
        peer.send(fromPeer(payload), port, own);
        await expect.poll(() => application.received.at(-1)?.data.toString()).toBe(payload);
      };
      await send('first');
      await disconnect(kind);
      await connect(kind, family);
      await send('second');
      await disconnect(kind);
      expect(tunnel.stats().drops.wrongInterface).toBe(0);
    },
  );
});
