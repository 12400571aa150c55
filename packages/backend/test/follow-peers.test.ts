import { parseAddress, parseSubnetKey } from '@flannel-ts/ip';
import { leaseKey, type Lease } from '@flannel-ts/subnet';
import { describe, expect, it } from 'vitest';
import { createPeerFollower } from '../src/index.ts';
import { createContext, createIn, lease, vxlanLease } from './support/context.ts';
import { follow, put, removed } from './support/follow.ts';

describe('the first snapshot', () => {
  it('is applied whole, with what may be deleted, after our own state', async () => {
    const { device, follower, snapshot } = await follow('vxlan');
    const changes = await snapshot(vxlanLease(1), vxlanLease(2), vxlanLease(3));
    expect(changes).toHaveLength(3);
    expect(follower.peers).toBe(2);
    expect(device.calls).toEqual(['ensureLink flannel.1', 'apply self 10.5.2.0-24 10.5.3.0-24']);
    expect(device.desiredBy('self')).toEqual([
      'link flannel.1 mtu 1450 address 02:00:00:00:00:01 type vxlan id 1 dev eth0 local 192.0.2.1 dstport 8472 nolearning',
      'address 10.5.1.0/32 dev flannel.1',
    ]);
    expect(device.desiredBy('10.5.2.0-24')).toEqual([
      'neighbour 10.5.2.0 lladdr 02:00:00:00:01:02 dev flannel.1',
      'fdb 02:00:00:00:01:02 dst 192.0.2.2 dev flannel.1',
      'route 10.5.2.0/24 via 10.5.2.0 dev flannel.1 onlink',
    ]);
  });

  it('drops packets to our own subnet when it is asked to, and may always stop that', async () => {
    for (const blackholeOwnSubnet of [true, false]) {
      const context = createContext({ Type: 'host-gw' });
      const backend = await createIn(context);
      const follower = createPeerFollower(
        { ...context, backend, blackholeOwnSubnet, formerSubnets: parseSubnetKey('10.9.7.0-24') },
        lease(1),
      );
      await follower.follow({ kind: 'snapshot', leases: [lease(1)], unreadable: [] });
      expect(context.device.desiredBy('self')).toEqual(blackholeOwnSubnet ? ['blackhole 10.5.1.0/24'] : []);
      expect(context.device.ownership?.blackholesWithin?.map(String)).toEqual(['10.5.0.0/16', '10.9.7.0/24']);
    }
  });

  it('is applied when it is empty, so that what an earlier run left goes', async () => {
    const { device, snapshot } = await follow('vxlan');
    await snapshot();
    expect(device.calls.at(-1)).toBe('apply self');
  });
});

describe('gateways', () => {
  it('are the peers themselves with host-gw, and none where packets are encapsulated', async () => {
    const hostGw = (number: number): Lease => ({
      ...lease(number),
      attributes: { ...lease(number).attributes, backendType: 'host-gw' },
    });
    const direct = await follow('host-gw', hostGw(1));
    await direct.snapshot(hostGw(2), hostGw(3));
    await direct.delta(removed(2));
    expect(direct.follower.gateways().map(String)).toEqual(['192.0.2.3']);
    const encapsulated = await follow('vxlan');
    await encapsulated.snapshot(vxlanLease(2));
    expect(encapsulated.follower.gateways()).toEqual([]);
  });
});

describe('what follows', () => {
  it('is an update of what changed alone', async () => {
    const { device, follower, snapshot, delta } = await follow('vxlan');
    await snapshot(vxlanLease(2), vxlanLease(3));
    await delta(
      put({ ...vxlanLease(2, '02:00:00:00:02:02'), revision: '2' }),
      removed(3),
      put(vxlanLease(4)),
    );
    expect(device.calls.at(-1)).toBe('update 10.5.2.0-24 10.5.3.0-24 10.5.4.0-24');
    expect(device.desiredBy('10.5.2.0-24')).toContain('fdb 02:00:00:00:02:02 dst 192.0.2.2 dev flannel.1');
    expect(device.desiredBy('10.5.3.0-24')).toBeUndefined();
    expect(follower.peers).toBe(2);
  });

  it('is nothing for a renewal: no new plan and no update, in deltas and snapshots', async () => {
    const context = createContext({ Type: 'vxlan' });
    const backend = await createIn(context);
    const planned: string[] = [];
    const follower = createPeerFollower(
      {
        ...context,
        backend: {
          ...backend,
          planPeer(peer) {
            planned.push(`${leaseKey(peer)} ${peer.revision}`);
            return backend.planPeer(peer);
          },
        },
      },
      vxlanLease(1, '02:00:00:00:00:01'),
    );
    const [peer, renewed, again] = ['1', '2', '3'].map((revision) => ({ ...vxlanLease(2), revision }));
    await follower.follow({ kind: 'snapshot', leases: [peer!], unreadable: [] });
    const before = [...context.device.calls];
    expect(await follower.follow({ kind: 'delta', changes: [put(renewed!)] })).toEqual([put(renewed!)]);
    const changes = await follower.follow({ kind: 'snapshot', leases: [again!], unreadable: [] });
    expect(changes).toContainEqual(put(again!));
    expect(context.device.calls).toEqual(before);
    expect(planned).toEqual(['10.5.2.0-24 1']);
    const changed = { ...vxlanLease(2, '02:00:00:00:02:02'), revision: '4' };
    await follower.follow({ kind: 'delta', changes: [put(changed)] });
    expect(planned).toEqual(['10.5.2.0-24 1', '10.5.2.0-24 4']);
    expect(context.device.calls.at(-1)).toBe('update 10.5.2.0-24');
    expect(context.device.desiredBy('10.5.2.0-24')).toContain(
      'fdb 02:00:00:00:02:02 dst 192.0.2.2 dev flannel.1',
    );
  });

  it('is a comparison for a second snapshot', async () => {
    const { device, snapshot } = await follow('vxlan');
    await snapshot(vxlanLease(2), vxlanLease(3));
    const changes = await snapshot(vxlanLease(3), vxlanLease(4));
    expect(changes.map(({ kind }) => kind)).toEqual(['removed', 'put']);
    expect(device.calls.at(-1)).toBe('update 10.5.2.0-24 10.5.4.0-24');
  });

  it('returns what happens to our own lease, and does not follow it', async () => {
    const { device, snapshot, delta } = await follow('vxlan');
    await snapshot(vxlanLease(1), vxlanLease(2));
    expect(await delta(removed(1))).toEqual([removed(1)]);
    expect(device.desiredBy('self')).toBeDefined();
  });

  it('may be a peer that changed its backend', async () => {
    const { device, follower, snapshot, delta } = await follow('vxlan');
    await snapshot(vxlanLease(2));
    await delta(put(lease(2, { backendType: 'host-gw' }, '2')));
    expect(device.desiredBy('10.5.2.0-24')).toBeUndefined();
    expect(follower.peers).toBe(0);
  });
});

describe('a peer whose lease was damaged', () => {
  const damaged = { subnets: parseSubnetKey('10.5.2.0-24'), revision: '2', reason: 'not valid JSON' };

  it('keeps its routes until the lease goes, in deltas and snapshots', async () => {
    const { device, follower, snapshot, delta } = await follow('vxlan');
    await snapshot(vxlanLease(1), vxlanLease(2));
    expect(await delta({ kind: 'unreadable', lease: damaged })).toHaveLength(1);
    await follower.follow({ kind: 'snapshot', leases: [vxlanLease(1)], unreadable: [damaged] });
    expect(device.desiredBy('10.5.2.0-24')).toHaveLength(3);
    expect(follower.peers).toBe(1);
    await delta(removed(2));
    expect(device.desiredBy('10.5.2.0-24')).toBeUndefined();
  });
});

describe('a tunnel', () => {
  it('has our own subnet and the routes of the peers', async () => {
    const { tunnel, device, snapshot, delta } = await follow('udp');
    await snapshot(lease(1), lease(2), lease(3));
    expect(tunnel.state()).toEqual([
      'local 10.5.1.0/24',
      '10.5.2.0/24 192.0.2.2:8285',
      '10.5.3.0/24 192.0.2.3:8285',
    ]);
    expect(device.calls).toEqual(['apply self']);
    const moved = { publicIp: { ipv4: parseAddress('192.0.2.33') } };
    await delta(put(lease(3, moved, '2')), removed(2), put(lease(4)));
    expect(tunnel.state()).toEqual([
      'local 10.5.1.0/24',
      '10.5.3.0/24 192.0.2.33:8285',
      '10.5.4.0/24 192.0.2.4:8285',
    ]);
  });

  it('keeps no route of a lease that came and went in one event', async () => {
    const { tunnel, snapshot, delta } = await follow('udp');
    await snapshot(lease(2));
    await delta(put(lease(3)), removed(3));
    expect(tunnel.state()).toEqual(['local 10.5.1.0/24', '10.5.2.0/24 192.0.2.2:8285']);
  });
});
