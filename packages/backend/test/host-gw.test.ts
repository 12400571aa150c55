import { parseAddress } from '@flannel-ts/ip';
import { expect, it } from 'vitest';
import { create, describeDesired, lease, underlay } from './support/context.ts';

it('routes through the peers themselves, with the MTU of the interface', async () => {
  const backend = await create({ Type: 'host-gw' });
  expect(backend.mtu).toBe(1500);
  expect(backend.attributes).toEqual({ backendType: 'host-gw' });
  expect(describeDesired(backend.planSelf(lease(1)))).toEqual([]);
  expect(describeDesired(backend.planPeer(lease(7, { backendType: 'host-gw' })))).toEqual([
    'route 10.5.7.0/24 via 192.0.2.7 dev eth0',
  ]);
});

it('owns the routes through gateways to the subnets that can be leased, and no others', async () => {
  const backend = await create(
    { Type: 'host-gw' },
    { network: { SubnetLen: 26, SubnetMin: '10.5.1.0', SubnetMax: '10.5.2.0' } },
  );
  expect(backend.overlayInterfaces).toEqual(['eth0']);
  const { links, gatewayRoutes } = backend.ownership;
  expect(links).toEqual([]);
  expect(gatewayRoutes).toMatchObject([{ link: 'eth0', prefixLength: 26 }]);
  expect(gatewayRoutes.map(({ from, to }) => `${from.toString()} to ${to.toString()}`)).toEqual([
    '10.5.1.0 to 10.5.2.0',
  ]);
});

it('skips peers of other backends, and says what a peer lacks', async () => {
  const backend = await create({ Type: 'host-gw' });
  expect(backend.planPeer(lease(7))).toBeUndefined();
  expect(backend.planPeer(lease(7, { backendType: 'vxlan' }))).toBeUndefined();
  const ipv6 = { backendType: 'host-gw', publicIp: { ipv6: parseAddress('2001:db8::7') } };
  expect(() => backend.planPeer(lease(7, ipv6))).toThrow('PublicIP must be an IPv4 address');
});

it('refuses a public IP that is not the interface’s own', async () => {
  const nat = { ...underlay, publicIp: { ipv4: parseAddress('203.0.113.1') } };
  await expect(create({ Type: 'host-gw' }, { underlay: nat })).rejects.toMatchObject({
    name: 'BackendConfigError',
    field: 'Backend.Type',
    message: expect.stringContaining("-public-ip must be eth0's own address 192.0.2.1") as unknown,
  });
});
