import { parseAddress } from '@flannel-ts/ip';
import { expect, it } from 'vitest';
import { create, createContext, createIn, describeWanted, lease } from './support/context.ts';

it('has a TUN device with the route to the whole network, and the MTU of the interface less 28', async () => {
  const backend = await create({ Type: 'udp' });
  expect(backend.mtu).toBe(1472);
  expect(backend.overlayInterfaces).toEqual(['flannel0']);
  expect(backend.ownership).toEqual({ links: [{ name: 'flannel0', kind: 'tun' }], gatewayRoutes: [] });
  expect(describeWanted(backend.planSelf(lease(1)))).toEqual([
    'link flannel0 mtu 1472 type tun',
    'address 10.5.1.0/32 dev flannel0',
    'route 10.5.0.0/16 dev flannel0',
    'own 10.5.1.0/24 address 10.5.1.0',
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
    },
  ]);
});

it('takes packets from anybody when told to', async () => {
  const context = createContext({ Type: 'udp' }, { udpAccept: 'any' });
  await createIn(context);
  expect(context.tunnel.opened).toMatchObject([{ accept: 'any' }]);
});

it('sends to peers without a type, as upstream publishes none, and to those that say udp', async () => {
  const backend = await create({ Type: 'udp', Port: 9000 });
  const expected = ['tunnel 10.5.7.0/24 peer 192.0.2.7:9000'];
  expect(describeWanted(backend.planPeer(lease(7)))).toEqual(expected);
  expect(describeWanted(backend.planPeer(lease(7, { backendType: 'udp' })))).toEqual(expected);
});

it('skips peers of other backends, and says what a peer lacks', async () => {
  const backend = await create({ Type: 'udp' });
  expect(backend.planPeer(lease(7, { backendType: 'vxlan' }))).toBeUndefined();
  const ipv6 = { publicIp: { ipv6: parseAddress('2001:db8::7') } };
  expect(() => backend.planPeer(lease(7, ipv6))).toThrow('has no PublicIP');
});

it('offers its fast path to peers in the lease, where it has one', async () => {
  const offer = { backendData: { FastPath: true } };
  expect((await create({ Type: 'udp' })).attributes).toEqual(offer);
  expect((await create({ Type: 'udp' }, { fastPath: false })).attributes).toEqual({});
  expect((await create({ Type: 'udp' }, { udpFastPath: 'off' })).attributes).toEqual({});
});

it('asks for a fast path on the underlay, unless told not to, and says whether it has one', async () => {
  const context = createContext({ Type: 'udp' }, { fastPath: false });
  await createIn(context);
  expect(context.tunnel.opened).toMatchObject([{ fastPath: { underlay: 'eth0' } }]);
  expect(context.events).toEqual([{ kind: 'fast-path', state: { on: false, reason: 'old kernel' } }]);

  const without = createContext({ Type: 'udp' }, { udpFastPath: 'off' });
  await createIn(without);
  expect(without.tunnel.opened[0]).not.toHaveProperty('fastPath');
  expect(without.events).toEqual([]);
});

it.each([
  [{ FastPath: true }, ' fast'],
  [{ FastPath: false }, ''],
  [{ FastPath: 'yes' }, ''],
  [{}, ''],
  [null, ''],
  ['FastPath', ''],
  [[true], ''],
])('sends fast packets only to peers that offer to take them: %j', async (backendData, fast) => {
  const backend = await create({ Type: 'udp' });
  expect(describeWanted(backend.planPeer(lease(7, { backendData })))).toEqual([
    `tunnel 10.5.7.0/24 peer 192.0.2.7:8285${fast}`,
  ]);
});
