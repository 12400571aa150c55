import { parseAddress } from '@flannel-ts/ip';
import type { Json } from '@flannel-ts/subnet';
import { describe, expect, it, onTestFinished, vi } from 'vitest';
import { createBackends, createPeerFollower, type TunnelState, type UdpOptions } from '../src/index.ts';
import { create, createContext, createIn, describeDesired, lease } from './support/context.ts';

/** The attributes of a host with a fast path. */
const offer = { backendData: { FastPath: true, SourcePorts: [768, 1_023] } };

it('has a TUN device with the route to the whole network, and the MTU of the interface less 28', async () => {
  const backend = await create({ Type: 'udp' });
  expect(backend.mtu).toBe(1472);
  expect(backend.overlayInterfaces).toEqual(['flannel0']);
  expect(backend.ownership).toEqual({ links: [{ name: 'flannel0', kind: 'tun' }], gatewayRoutes: [] });
  expect(describeDesired(backend.planSelf(lease(1)))).toEqual([
    'link flannel0 mtu 1472 type tun',
    'address 10.5.1.0/32 dev flannel0',
    'route 10.5.0.0/16 dev flannel0',
    'local 10.5.1.0/24 address 10.5.1.0',
  ]);
});

it('opens its tunnel on the interface’s address', async () => {
  const context = createContext({ Type: 'udp', Port: 9000 });
  await createIn(context);
  expect(context.tunnel.opened).toMatchObject([
    {
      tun: { name: 'flannel0', mtu: 1472 },
      socket: { address: parseAddress('192.0.2.1'), port: 9000 },
      accept: 'peers',
      sourcePorts: { first: 768, last: 1_023 },
    },
  ]);
});

it('takes packets from any host when asked to', async () => {
  const context = createContext({ Type: 'udp' }, { udp: { accept: 'any' } });
  await createIn(context);
  expect(context.tunnel.opened).toMatchObject([{ accept: 'any' }]);
  // Its lease does not say from which other ports its packets come.
  expect(context.tunnel.opened[0]!.sourcePorts).toBeUndefined();
});

it('sends to peers without a type, as upstream publishes none, and to those that say udp', async () => {
  const backend = await create({ Type: 'udp', Port: 9000 });
  const expected = ['tunnel 10.5.7.0/24 peer 192.0.2.7:9000'];
  expect(describeDesired(backend.planPeer(lease(7)))).toEqual(expected);
  expect(describeDesired(backend.planPeer(lease(7, { backendType: 'udp' })))).toEqual(expected);
});

it('skips peers of other backends, and says what a peer lacks', async () => {
  const backend = await create({ Type: 'udp' });
  expect(backend.planPeer(lease(7, { backendType: 'vxlan' }))).toBeUndefined();
  const ipv6 = { publicIp: { ipv6: parseAddress('2001:db8::7') } };
  expect(() => backend.planPeer(lease(7, ipv6))).toThrow('PublicIP must be an IPv4 address');
});

it('offers its fast path to peers in the lease, where it has one', async () => {
  expect((await create({ Type: 'udp' })).attributes).toEqual(offer);
  expect((await create({ Type: 'udp' }, { fastPath: false })).attributes).toEqual({});
  expect((await create({ Type: 'udp' }, { udp: { fastPath: 'off' } })).attributes).toEqual({});
});

it('inherits DSCP and ECN when asked to, and says so to peers', async () => {
  const context = createContext({ Type: 'udp' }, { udp: { tos: 'inherit', threads: 2 } });
  const backend = await createIn(context);
  expect(context.tunnel.opened).toMatchObject([{ tos: 'inherit', threads: 2 }]);
  expect(backend.attributes).toEqual({ backendData: { ...offer.backendData, ECN: true } });
  const without = { fastPath: false, udp: { tos: 'inherit' } } as const;
  expect((await create({ Type: 'udp' }, without)).attributes).toEqual({ backendData: { ECN: true } });
});

it('offers no fast path where packets are taken from any host, as peers may be behind a NAT', async () => {
  const context = createContext({ Type: 'udp' }, { udp: { accept: 'any' } });
  const { tunnel, events } = context;
  const backend = await createIn(context);
  expect(backend.attributes).toEqual({});
  vi.useFakeTimers();
  onTestFinished(() => void vi.useRealTimers());
  for (const offered of [false, true]) {
    tunnel.offerFastPath(offered);
    tunnel.fail();
    await vi.runAllTimersAsync();
  }
  expect(backend.attributes).toEqual({});
  expect(events.filter(({ kind }) => kind === 'attributes')).toEqual([]);
});

it('reports other attributes when a tunnel that was opened again lost its fast path, or got it back', async () => {
  const context = createContext({ Type: 'udp' });
  const { tunnel, events } = context;
  const backend = await createIn(context);
  vi.useFakeTimers();
  onTestFinished(() => void vi.useRealTimers());
  for (const [offered, attributes] of [
    [false, {}],
    [true, offer],
  ] as const) {
    tunnel.offerFastPath(offered);
    tunnel.fail();
    await vi.runAllTimersAsync();
    expect(events.at(-2)).toEqual({ kind: 'attributes', attributes });
    expect(backend.attributes).toEqual(attributes);
  }
  const reports = () => events.filter(({ kind }) => kind === 'attributes').length;
  tunnel.fail();
  await vi.runAllTimersAsync();
  expect(events.at(-1)).toEqual({ kind: 'tunnel-reopened' });
  expect(reports()).toBe(2);
});

it('asks for a fast path on the underlay, unless told not to, and says whether it has one', async () => {
  const context = createContext({ Type: 'udp' }, { fastPath: false });
  await createIn(context);
  expect(context.tunnel.opened).toMatchObject([{ underlay: 'eth0', fastPath: true }]);
  expect(context.events).toEqual([{ kind: 'fast-path', state: { on: false, reason: 'old kernel' } }]);

  const without = createContext({ Type: 'udp' }, { udp: { fastPath: 'off' } });
  await createIn(without);
  expect(without.tunnel.opened).toMatchObject([{ underlay: 'eth0', fastPath: false }]);
  expect(without.events).toEqual([]);
});

/** No port ranges: other types, other lengths, the last port before the first, ports out of range. */
const malformedRanges: readonly Json[] = [
  ...[null, true, 768, '768-1023'],
  {},
  { first: 768, last: 1_023 },
  { 0: 1024, 1: 1025, length: 2 },
  ...[[], [768], [768, 1_023, 1_024], [[768, 1_023]], ['768', '1023'], [768, null]],
  ...[
    [1_023, 768],
    [511, 2000],
    [0, 0],
    [-1, 2000],
    [768, 65_536],
    [768.5, 1_023],
    [1e9, 1e10],
  ],
];

it.each<[backendData: Json, offered: string]>([
  [{ FastPath: true }, ' fast'],
  [{ FastPath: true, ECN: true }, ' fast ecn'],
  [{ ECN: true }, ' ecn'],
  [{ ECN: 1 }, ''],
  [{ FastPath: true, SourcePorts: [768, 1_023] }, ' fast from 768-1023'],
  [{ FastPath: true, ECN: true, SourcePorts: [1024, 65_535] }, ' fast ecn from 1024-65535'],
  [{ FastPath: true, SourcePorts: [2000, 2000] }, ' fast from 2000-2000'],
  [{ SourcePorts: [768, 1_023] }, ''],
  ...malformedRanges.map((SourcePorts): [Json, string] => [{ FastPath: true, SourcePorts }, ' fast']),
  [{ FastPath: false }, ''],
  [{ FastPath: 'yes' }, ''],
  [{}, ''],
  [null, ''],
  ['FastPath', ''],
  [[true], ''],
])('takes from a lease only offers that it understands: %j', async (backendData, offered) => {
  const backend = await create({ Type: 'udp' });
  expect(describeDesired(backend.planPeer(lease(7, { backendData })))).toEqual([
    `tunnel 10.5.7.0/24 peer 192.0.2.7:8285${offered}`,
  ]);
});

it('reads a megabyte of BackendData without taking more memory for it', async () => {
  const backend = await create({ Type: 'udp' });
  const peer = lease(7, { backendData: 'x'.repeat(1024 * 1024) });
  const before = process.memoryUsage().heapUsed;
  expect(describeDesired(backend.planPeer(peer))).toEqual(['tunnel 10.5.7.0/24 peer 192.0.2.7:8285']);
  expect(process.memoryUsage().heapUsed - before).toBeLessThan(10 * 1024 * 1024);
});

describe('the tunnel of a backend that is made again', () => {
  /** Follows one peer with each of the backends that configs ask for, one after another. */
  async function follow(...configs: Parameters<typeof createContext>[]) {
    const first = createContext(...configs[0]!);
    const backends = createBackends(first);
    for (const config of configs) {
      const context = { ...createContext(...config), device: first.device };
      const backend = await backends.create(context);
      // Before there is a lease to follow others with.
      const meanwhile = first.tunnel.state();
      const follower = createPeerFollower({ ...context, backend }, lease(1));
      await follower.follow({ kind: 'snapshot', leases: [lease(2)], unreadable: [] });
      states.push(meanwhile);
    }
    return { ...first, backends };
  }
  let states: (string[] | undefined)[] = [];
  const carrying = ['local 10.5.1.0/24', '10.5.2.0/24 192.0.2.2:8285'];

  it('is the same one, and carries packets meanwhile, for the same config and underlay', async () => {
    states = [];
    const { tunnel } = await follow([{ Type: 'udp' }], [{ Type: 'udp' }]);
    expect(tunnel.opened).toHaveLength(1);
    expect(states).toEqual([[], carrying]);
    expect(tunnel.state()).toEqual(carrying);
  });

  it('is opened again for other ones, and carries packets by the routes of before until there are others', async () => {
    states = [];
    const { tunnel } = await follow([{ Type: 'udp' }], [{ Type: 'udp', Port: 9000 }]);
    expect(tunnel.opened.map(({ socket }) => socket.port)).toEqual([8285, 9000]);
    expect(states).toEqual([[], carrying]);
    expect(tunnel.state()).toEqual(['local 10.5.1.0/24', '10.5.2.0/24 192.0.2.2:9000']);
  });

  it('is closed when another backend takes its place, and when no backend does', async () => {
    states = [];
    const replaced = await follow([{ Type: 'udp' }], [{ Type: 'vxlan' }]);
    expect(replaced.tunnel.state()).toBeUndefined();
    expect(replaced.tunnel.wasLeft()).toBe(false);
    const ended = await follow([{ Type: 'udp' }]);
    ended.backends[Symbol.dispose]();
    expect(ended.tunnel.state()).toBeUndefined();
    expect(ended.tunnel.wasLeft()).toBe(true);
  });

  it('stays as it is when the config makes no sense any more', async () => {
    states = [];
    const { backends, tunnel, ...first } = await follow([{ Type: 'udp' }]);
    const { config } = createContext({ Type: 'wireguard' });
    await expect(backends.create({ ...first, config })).rejects.toThrow('unknown backend type');
    expect(tunnel.state()).toEqual(carrying);
  });
});

describe('a tunnel that another process had', () => {
  const carrying = ['local 10.5.1.0/24', '10.5.2.0/24 192.0.2.2:8285'];

  /** What the tunnel of a host carries packets by that follows one peer. */
  async function stateOf(options: UdpOptions = {}): Promise<TunnelState> {
    const context = createContext({ Type: 'udp' }, { udp: options });
    const backends = createBackends(context);
    expect(backends.tunnelState()).toBeUndefined();
    const backend = await backends.create(context);
    const follower = createPeerFollower({ ...context, backend }, lease(1));
    await follower.follow({ kind: 'snapshot', leases: [lease(2)], unreadable: [] });
    return backends.tunnelState()!;
  }

  it('is resumed with its subnets and routes, and taken over by a backend as it is', async () => {
    const context = createContext({ Type: 'udp' });
    const backends = createBackends(context);
    const state = await stateOf();
    backends.resumeTunnel(state);
    expect(context.tunnel.state()).toEqual(carrying);
    expect(backends.tunnelState()).toEqual(state);
    const { attributes } = await backends.create(context);
    expect(context.tunnel.opened).toHaveLength(1);
    expect(context.tunnel.state()).toEqual(carrying);
    expect(attributes).toEqual(offer);
    expect(context.events).toEqual([{ kind: 'fast-path', state: { on: true } }]);
  });

  it('is resumed with the options of this process', async () => {
    const context = createContext({ Type: 'udp' }, { udp: { accept: 'any' } });
    const backends = createBackends(context);
    backends.resumeTunnel(await stateOf({ fastPath: 'off' }));
    await backends.create(context);
    expect(context.tunnel.opened).toMatchObject([{ accept: 'any', underlay: 'eth0', fastPath: true }]);
  });

  it('is opened again, with its subnets and routes, for another config', async () => {
    const context = createContext({ Type: 'udp', Port: 9000 });
    const backends = createBackends(context);
    backends.resumeTunnel(await stateOf());
    await backends.create(context);
    expect(context.tunnel.opened.map(({ socket }) => socket.port)).toEqual([8285, 9000]);
    expect(context.tunnel.state()).toEqual(carrying);
  });

  it('takes its fast path along when it is not to be left, as with a lease that ends, too', async () => {
    const context = createContext({ Type: 'udp' }, { udp: { leaveFastPath: false } });
    const backends = createBackends(context);
    backends.resumeTunnel(await stateOf());
    backends[Symbol.dispose]();
    expect(context.tunnel.state()).toBeUndefined();
    expect(context.tunnel.wasLeft()).toBe(false);
  });

  it('expires when it did, until it is said when it does', async () => {
    const context = createContext({ Type: 'udp', Port: 9000 });
    const backends = createBackends(context);
    backends.setTunnelExpiry(1);
    backends.resumeTunnel({ ...(await stateOf()), expiresAt: 1_000 });
    expect(context.tunnel.expiry()).toBe(1_000);
    backends.setTunnelExpiry(2_000);
    expect(context.tunnel.expiry()).toBe(2_000);
    await backends.create(context);
    expect(context.tunnel.opened).toHaveLength(2);
    expect(context.tunnel.expiry()).toBe(2_000);
    backends.setTunnelExpiry(undefined);
    expect(context.tunnel.expiry()).toBeUndefined();
  });

  it('is closed when the config asks for another backend', async () => {
    const context = createContext({ Type: 'udp' });
    const backends = createBackends(context);
    backends.resumeTunnel(await stateOf());
    await backends.create(createContext({ Type: 'vxlan' }));
    expect(context.tunnel.state()).toBeUndefined();
    expect(backends.tunnelState()).toBeUndefined();
  });
});
