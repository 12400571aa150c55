import { expect, it } from 'vitest';
import { create, describeDesired, lease, vxlanLease } from './support/context.ts';

it('takes a lease and touches nothing', async () => {
  const backend = await create({ Type: 'alloc' });
  expect(backend).toMatchObject({
    mtu: 1500,
    attributes: {},
    overlayInterfaces: [],
    ownership: { links: [], gatewayRoutes: [] },
  });
  expect(describeDesired(backend.planSelf(lease(1)))).toEqual([]);
  for (const peer of [lease(7), vxlanLease(8)]) expect(backend.planPeer(peer)).toBeUndefined();
});
