import type { KernelEvent } from '@flannel-ts/netlink';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { createHost, desired, gatewayPeer, ownership, peer, self, type Host } from './support/host.ts';

const all = desired({ self, seven: peer(7), eight: peer(8), gateway: gatewayPeer(9) });

let host: Host;
beforeEach(async () => {
  host = await createHost();
  await host.device.apply(all, ownership);
});
afterEach(() => host[Symbol.asyncDispose]());

const state = async () => [
  ...(await host.overlay()),
  ...(await host.lines('ip route show root 10.5.0.0/16 dev eth0')),
];

/** Waits until everything is as before. */
async function restored(before: readonly string[]): Promise<void> {
  // Far below the 60 s after which the device would look by itself.
  await expect.poll(state, { timeout: 20_000 }).toEqual(before);
}

it.each([
  ['a route', 'ip route delete 10.5.7.0/24'],
  ['a changed route', 'ip route replace 10.5.7.0/24 via 192.0.2.9'],
  ['a route that another program replaced', 'ip route replace 10.5.7.0/24 via 192.0.2.9 proto bird'],
  ['a neighbour', 'ip neighbour delete 10.5.7.0 dev flannel.1'],
  ['a changed neighbour', 'ip neighbour replace 10.5.7.0 lladdr 02:00:00:00:09:09 dev flannel.1'],
  ['an FDB entry', 'bridge fdb delete 02:00:00:00:01:07 dev flannel.1 dst 192.0.2.7'],
  ['the address', 'ip address delete 10.5.1.0/32 dev flannel.1'],
  ['a device that went down', 'ip link set flannel.1 down'],
  ['the MTU', 'ip link set flannel.1 mtu 1300'],
  ['the MAC address', 'ip link set flannel.1 address 02:00:00:00:09:09'],
  ['a deleted device', 'ip link delete flannel.1'],
])('repairs %s', async (_, command) => {
  const before = await state();
  expect(before).toHaveLength(10);
  await host.run(command);
  await restored(before);
});

it.each([
  ['flannel.1 goes down and up', ['ip link set flannel.1 down', 'ip link set flannel.1 up']],
  ['the underlay goes down and up', ['ip link set eth0 down', 'ip link set eth0 up']],
  [
    'the underlay loses its address and gets it again',
    ['ip address delete 192.0.2.1/24 dev eth0', 'ip address add 192.0.2.1/24 dev eth0'],
  ],
  [
    'the underlay is deleted and recreated',
    [
      'ip link delete eth0',
      'ip link add eth0 type veth peer name far',
      'ip link set far up',
      'ip link set eth0 up',
      'ip address add 192.0.2.1/24 dev eth0',
    ],
  ],
])('restores everything after %s', async (_, commands) => {
  const before = await state();
  for (const command of commands) await host.run(command);
  await restored(before);
});

it('restores everything after another process recreated the device with another VNI', async () => {
  const before = await state();
  const { index, parentIndex } = (await host.netlink.links()).find(({ name }) => name === 'flannel.1')!;
  const other = { kind: 'vxlan', name: 'flannel.1', vni: 9, port: 8472, learning: true, gbp: false } as const;
  await host.netlink.batch([
    { op: 'delete-link', index },
    { op: 'create-link', link: { ...other, parentIndex: parentIndex! } },
  ]);
  await host.reported(({ kind }) => kind === 'link-recreated');
  await restored(before);
});

it('leaves alone what others do beside it', async () => {
  const others = [
    'ip route add 10.5.64.0/20 via 192.0.2.9',
    'ip route add 10.5.7.0/24 via 192.0.2.9 metric 50',
    'ip neighbour add 192.0.2.50 lladdr 02:00:00:00:09:09 dev eth0',
    'ip address add 198.51.100.1/24 dev eth0',
  ];
  for (const command of others) await host.run(command);
  const theirs = async () => [
    ...(await host.lines('ip route show 10.5.64.0/20')),
    ...(await host.lines('ip route show 10.5.7.0/24 metric 50')),
    ...(await host.lines('ip neighbour show dev eth0 nud permanent')),
    ...(await host.lines('ip -brief -4 address show eth0')),
  ];
  const before = await theirs();
  expect(before).toHaveLength(4);
  const overlay = await state();
  await host.run('ip link delete flannel.1');
  await restored(overlay);
  expect(await theirs()).toEqual(before);
});

/** Another process that undoes each repair, for 3 s. @returns how many repairs there were */
async function contest(undo: string, isRepair: (event: KernelEvent) => boolean): Promise<number> {
  const events = host.netlink.subscribe({ signal: AbortSignal.timeout(3_000) });
  let repairs = 0;
  await host.run(undo);
  for await (const event of events) {
    if (!isRepair(event)) continue;
    repairs++;
    await host.run(undo);
  }
  return repairs;
}

it.each([
  [
    'repairs a route that another process keeps replacing',
    'route 10.5.9.0/24',
    'ip route replace 10.5.9.0/24 via 192.0.2.8',
    (event: KernelEvent) => event.kind === 'route' && event.route.gateway?.toString() === '192.0.2.9',
  ],
  [
    'removes an address that another process keeps adding',
    'address 10.6.1.0/32 dev flannel.1',
    'ip address add 10.6.1.0/32 dev flannel.1',
    (event: KernelEvent) => event.kind === 'address' && event.change === 'removed',
  ],
])('%s ever less often, and reports the contest once', async (_, subject, undo, isRepair) => {
  const repairs = await contest(undo, isRepair);
  expect(repairs).toBeGreaterThanOrEqual(5);
  // Ten a second, without an end, would be 30.
  expect(repairs).toBeLessThan(25);
  const contests = host.events.filter(({ kind }) => kind === 'contested');
  expect(contests).toEqual([{ kind: 'contested', subjects: [subject] }]);
  const repaired = host.events.filter(({ kind }) => kind === 'repaired');
  expect(repaired.length).toBeLessThan(6);
});

it('follows the kernel again after the subscription broke', async () => {
  await host.device[Symbol.asyncDispose]();
  let subscriptions = 0;
  const subscribe: typeof host.netlink.subscribe = (options) => {
    if (subscriptions++ === 0) throw new Error('no socket');
    return host.netlink.subscribe(options);
  };
  await using device = host.createDevice({ ...host.netlink, subscribe });
  await device.apply(all, ownership);
  expect(host.events).toMatchObject([{ kind: 'failed', what: 'watch the kernel' }]);
  const before = await state();
  await host.run('ip route delete 10.5.7.0/24');
  await host.reported(({ kind }) => kind === 'repaired');
  await host.run('ip route delete 10.5.8.0/24');
  await restored(before);
  expect(subscriptions).toBe(2);
  expect(host.events.map(({ kind }) => kind).slice(0, 2)).toEqual(['failed', 'recovered']);
});
