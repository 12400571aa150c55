import { expect, it } from 'vitest';
import { createRecordingDevice, describeState } from '../src/testing/index.ts';
import { desired, ownership, peer, self, vxlan } from './support/host.ts';

it('writes desired state in the words of ip and bridge', () => {
  const tun = { kind: 'tun', name: 'flannel0', mtu: 1472 } as const;
  const { mac: _, ...anyMac } = vxlan;
  expect([
    ...describeState(self),
    ...describeState(peer(7)),
    ...describeState({ links: [tun, { ...anyMac, learning: true, gbp: true }] }),
  ]).toEqual([
    'link flannel.1 mtu 1450 address 02:00:00:00:00:01 type vxlan id 1 dev eth0 local 192.0.2.1 dstport 8472 nolearning',
    'address 10.5.1.0/32 dev flannel.1',
    'neighbour 10.5.7.0 lladdr 02:00:00:00:01:07 dev flannel.1',
    'fdb 02:00:00:00:01:07 dst 192.0.2.7 dev flannel.1',
    'route 10.5.7.0/24 via 10.5.7.0 dev flannel.1 onlink',
    'link flannel0 mtu 1472 type tun',
    'link flannel.1 mtu 1450 type vxlan id 1 dev eth0 local 192.0.2.1 dstport 8472 learning gbp',
  ]);
});

it('records its calls', async () => {
  const device = createRecordingDevice({ mac: '02:00:00:00:00:09' });
  const { mac: _, ...anyMac } = vxlan;
  expect(await device.ensureLink(anyMac)).toEqual({ index: 1, mac: '02:00:00:00:00:09' });
  await device.apply(desired({ self, seven: peer(7) }), ownership);
  await device.update(new Map([['seven', undefined]]));
  expect(device.ownership).toEqual(ownership);
  expect(device.desiredBy('self')).toEqual(describeState(self));
  expect(device.desiredBy('seven')).toBeUndefined();
  expect(device.calls).toEqual(['ensureLink flannel.1', 'apply self seven', 'update seven']);
});
