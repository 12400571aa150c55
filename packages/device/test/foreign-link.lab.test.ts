import { expect, it } from 'vitest';
import { createHost, desired, ownership, peer, self } from './support/host.ts';

it('leaves a device of another kind alone, with all that is on it, and reports it until it is gone', async () => {
  await using host = await createHost();
  await host.run('ip link add flannel.1 type bridge');
  await host.run('ip link set flannel.1 up');
  await host.run('ip address add 198.51.100.1/24 dev flannel.1');
  const state = async () => [
    (await host.netlink.links()).find(({ name }) => name === 'flannel.1'),
    await host.lines('ip -4 address show dev flannel.1'),
    await host.lines('ip route show dev flannel.1'),
  ];
  const before = await state();
  await host.device.apply(desired({ self, seven: peer(7) }), ownership);
  await host.device.update(desired({ eight: peer(8) }));
  await host.device.reconcile();
  expect(await state()).toEqual(before);
  expect(host.events).toMatchObject([
    { kind: 'failed', what: 'link flannel.1', error: { name: 'ForeignLinkError', kind: 'bridge' } },
  ]);
  await host.run('ip link delete flannel.1');
  await host.reported(({ kind }) => kind === 'recovered');
  expect(await host.lines('ip route show dev flannel.1')).toEqual([
    '10.5.7.0/24 via 10.5.7.0 onlink',
    '10.5.8.0/24 via 10.5.8.0 onlink',
  ]);
});
