import { parseAddress, parseSubnetKey } from '@flannel-ts/ip';
import type { Lease, LeaseChange } from '@flannel-ts/subnet';
import { describe, expect, it } from 'vitest';
import { createPeerFollower, selectBackend } from '../src/index.ts';
import { createContext, lease, vxlanLease } from './support/context.ts';

const put = (changed: Lease): LeaseChange => ({ kind: 'put', lease: changed });
const removed = (number: number): LeaseChange => ({
  kind: 'removed',
  subnets: parseSubnetKey(`10.5.${number}.0-24`),
});

/** Follows leases as the holder of 10.5.1.0-24. */
async function follow(type: string, self = type === 'udp' ? lease(1) : vxlanLease(1, '02:00:00:00:00:01')) {
  const context = createContext({ Type: type });
  const backend = await selectBackend(context.config)(context);
  const follower = createPeerFollower({ ...context, backend }, self);
  return {
    ...context,
    follower,
    snapshot: (...leases: Lease[]) => follower.follow({ kind: 'snapshot', leases, unreadable: [] }),
    delta: (...changes: LeaseChange[]) => follower.follow({ kind: 'delta', changes }),
  };
}

describe('the first snapshot', () => {
  it('is applied whole, with what may be deleted, after our own state', async () => {
    const { device, follower, snapshot } = await follow('vxlan');
    const changes = await snapshot(vxlanLease(1), vxlanLease(2), vxlanLease(3));
    expect(changes).toHaveLength(3);
    expect(follower.peers).toBe(2);
    expect(device.calls).toEqual([
      'ensureLink flannel.1',
      'own flannel.1',
      'apply self 10.5.2.0-24 10.5.3.0-24',
    ]);
    expect(device.wantedBy('self')).toEqual([
      'link flannel.1 mtu 1450 address 02:00:00:00:00:01 type vxlan id 1 dev eth0 local 192.0.2.1 dstport 8472 nolearning',
      'address 10.5.1.0/32 dev flannel.1',
    ]);
    expect(device.wantedBy('10.5.2.0-24')).toEqual([
      'neighbour 10.5.2.0 lladdr 02:00:00:00:01:02 dev flannel.1',
      'fdb 02:00:00:00:01:02 dst 192.0.2.2 dev flannel.1',
      'route 10.5.2.0/24 via 10.5.2.0 dev flannel.1 onlink',
    ]);
  });

  it('that misses our own lease yields that it is removed', async () => {
    const { snapshot } = await follow('host-gw');
    expect(await snapshot(lease(2))).toEqual([removed(1), put(lease(2))]);
  });

  it('drops packets to our own subnet when it is told to, and may always stop that', async () => {
    for (const blackholeOwnSubnet of [true, false]) {
      const context = createContext({ Type: 'host-gw' });
      const backend = await selectBackend(context.config)(context);
      const follower = createPeerFollower(
        { ...context, backend, blackholeOwnSubnet, formerSubnets: parseSubnetKey('10.9.7.0-24') },
        lease(1),
      );
      await follower.follow({ kind: 'snapshot', leases: [lease(1)], unreadable: [] });
      expect(context.device.wantedBy('self')).toEqual(blackholeOwnSubnet ? ['blackhole 10.5.1.0/24'] : []);
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
    expect(device.wantedBy('10.5.2.0-24')).toContain('fdb 02:00:00:00:02:02 dst 192.0.2.2 dev flannel.1');
    expect(device.wantedBy('10.5.3.0-24')).toBeUndefined();
    expect(follower.peers).toBe(2);
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
    expect(device.wantedBy('self')).toBeDefined();
  });

  it('may be a peer that changed its backend', async () => {
    const { device, follower, snapshot, delta } = await follow('vxlan');
    await snapshot(vxlanLease(2));
    await delta(put(lease(2, { backendType: 'host-gw' }, '2')));
    expect(device.wantedBy('10.5.2.0-24')).toBeUndefined();
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
    expect(device.wantedBy('10.5.2.0-24')).toHaveLength(3);
    expect(follower.peers).toBe(1);
    await delta(removed(2));
    expect(device.wantedBy('10.5.2.0-24')).toBeUndefined();
  });
});

describe('skipped', () => {
  it('is a lease with our address, although its address of a family differs that is not enabled', async () => {
    const publish = (ipv6: string) => ({
      publicIp: { ...lease(1).attributes.publicIp, ipv6: parseAddress(ipv6) },
      backendType: 'host-gw',
    });
    const { follower, snapshot } = await follow('host-gw', lease(1, publish('2001:db8::1')));
    await snapshot(lease(9, publish('2001:db8::9')));
    expect(follower.peers).toBe(0);
  });

  it('without a word is a peer of another backend', async () => {
    const { events, follower, snapshot } = await follow('vxlan');
    await snapshot(lease(2), lease(3, { backendType: 'host-gw' }));
    expect(follower.peers).toBe(0);
    expect(events).toEqual([]);
  });

  it.each<[string, Lease, string]>([
    [
      'our own former lease',
      { ...vxlanLease(9), attributes: vxlanLease(1).attributes },
      'it carries our own public IP: a former lease of this host',
    ],
    [
      'outside the network',
      { ...vxlanLease(2), subnets: parseSubnetKey('10.6.2.0-24') },
      'it is outside the cluster network',
    ],
    [
      'over our own subnet',
      { ...vxlanLease(2), subnets: parseSubnetKey('10.5.0.0-20') },
      'it overlaps our own subnet',
    ],
    ['of malformed data', vxlanLease(2, 'no'), 'VtepMAC must be a MAC address, not "no"'],
  ])('with a reason is a lease that is %s', async (_, peer, reason) => {
    const { device, events, snapshot } = await follow('vxlan');
    await snapshot(peer, vxlanLease(3));
    expect(device.calls.at(-1)).toBe('apply self 10.5.3.0-24');
    expect(events).toMatchObject([{ kind: 'peer-skipped', reason }]);
  });

  it('is no other error than a peer’s', async () => {
    const { device, config, onEvent, ...context } = await follow('vxlan');
    const backend = await selectBackend(config)({ ...context, device, config, onEvent });
    const broken = {
      ...backend,
      planPeer: () => {
        throw new TypeError('a defect');
      },
    };
    const follower = createPeerFollower({ backend: broken, device, config, onEvent }, vxlanLease(1));
    await expect(
      follower.follow({ kind: 'snapshot', leases: [vxlanLease(2)], unreadable: [] }),
    ).rejects.toThrow('a defect');
  });
});

describe('a tunnel', () => {
  it('has our own subnet and the routes of the peers', async () => {
    const { tunnel, device, snapshot, delta } = await follow('udp');
    await snapshot(lease(1), lease(2), lease(3));
    expect(tunnel.state()).toEqual([
      'own 10.5.1.0/24',
      '10.5.2.0/24 192.0.2.2:8285',
      '10.5.3.0/24 192.0.2.3:8285',
    ]);
    expect(device.calls).toEqual(['own flannel0', 'apply self']);
    const moved = { publicIp: { ipv4: parseAddress('192.0.2.33') } };
    await delta(put(lease(3, moved, '2')), removed(2), put(lease(4)));
    expect(tunnel.state()).toEqual([
      'own 10.5.1.0/24',
      '10.5.3.0/24 192.0.2.33:8285',
      '10.5.4.0/24 192.0.2.4:8285',
    ]);
  });

  it('keeps no route of a lease that came and went in one event', async () => {
    const { tunnel, snapshot, delta } = await follow('udp');
    await snapshot(lease(2));
    await delta(put(lease(3)), removed(3));
    expect(tunnel.state()).toEqual(['own 10.5.1.0/24', '10.5.2.0/24 192.0.2.2:8285']);
  });
});
