import { parseAddress } from '@flannel-ts/ip';
import { expect, it } from 'vitest';
import { createPeerFollower, type TunnelPeersChange } from '../src/index.ts';
import { createContext, createIn, lease, vxlanLease } from './support/context.ts';
import { put, removed } from './support/follow.ts';

/** Follows leases as the holder of 10.5.1.0-24, and records the peers and what the kernel was asked for, in order. */
async function follow(type: 'udp' | 'vxlan' | 'host-gw') {
  const context = createContext({ Type: type });
  const backend = await createIn(context);
  const changes: string[] = [];
  const onTunnelPeers = ({ add, remove }: TunnelPeersChange) => {
    const words = [
      ...add.map((peer) => `+${peer.toString()}`),
      ...remove.map((peer) => `-${peer.toString()}`),
    ];
    changes.push(`${words.join(' ')} before ${context.device.calls.length}`);
  };
  const self = type === 'udp' ? lease(1) : vxlanLease(1, '02:00:00:00:00:01');
  const follower = createPeerFollower({ ...context, backend, onTunnelPeers }, self);
  return { backend, changes, follower };
}

const at = (number: number, host: number) =>
  lease(number, { publicIp: { ipv4: parseAddress(`192.0.2.${host}`) } });

it('are reported before the kernel is asked for anything that leads to them: all, and then each change', async () => {
  const { changes, follower } = await follow('vxlan');
  await follower.follow({ kind: 'snapshot', leases: [vxlanLease(2), vxlanLease(3)], unreadable: [] });
  await follower.follow({ kind: 'delta', changes: [put(vxlanLease(4)), removed(2)] });
  await follower.follow({ kind: 'delta', changes: [put({ ...vxlanLease(4), revision: '2' })] });
  expect(changes).toEqual(['+192.0.2.2 +192.0.2.3 before 1', '+192.0.2.4 -192.0.2.2 before 2']);
});

it('stay while any lease has their address', async () => {
  const { changes, follower } = await follow('udp');
  await follower.follow({ kind: 'snapshot', leases: [at(2, 2)], unreadable: [] });
  await follower.follow({ kind: 'delta', changes: [put(at(3, 2))] });
  await follower.follow({ kind: 'delta', changes: [removed(2)] });
  await follower.follow({ kind: 'delta', changes: [removed(3), put(at(4, 2))] });
  await follower.follow({ kind: 'delta', changes: [put({ ...at(4, 5), revision: '2' })] });
  await follower.follow({ kind: 'delta', changes: [removed(4)] });
  expect(changes.map((change) => change.replace(/ before .*/, ''))).toEqual([
    '+192.0.2.2',
    '+192.0.2.5 -192.0.2.2',
    '-192.0.2.5',
  ]);
});

it('are none where packets are not encapsulated, which is reported once', async () => {
  const { backend, changes, follower } = await follow('host-gw');
  const peer = lease(2, { backendType: 'host-gw' });
  await follower.follow({ kind: 'snapshot', leases: [peer], unreadable: [] });
  await follower.follow({ kind: 'delta', changes: [removed(2)] });
  expect(changes).toEqual([' before 0']);
  expect(backend.encapsulation).toBeUndefined();
});

it.each([
  ['udp', { port: 8285 }],
  ['vxlan', { port: 8472, vni: 1 }],
] as const)('are sent to a port that the backend names: %s', async (type, encapsulation) => {
  expect((await follow(type)).backend.encapsulation).toEqual(encapsulation);
});
