import { parseAddress, parseSubnetKey } from '@flannel-ts/ip';
import type { Json, Lease } from '@flannel-ts/subnet';
import { describe, expect, it } from 'vitest';
import { createPeerFollower } from '../src/index.ts';
import { createPeerSelection } from '../src/select-peers.ts';
import { createContext, createIn, lease, vxlanLease } from './support/context.ts';
import { follow, put, removed, type Following } from './support/follow.ts';

/** Another version of a lease. */
const revised = (changed: Lease): Lease => ({ ...changed, revision: `${changed.revision}+` });

/** A vxlan peer's lease of any subnet, by the host 192.0.2.NUMBER. */
const vxlanLeaseOf = (key: string, number: number, mac?: string): Lease => ({
  ...vxlanLease(number, mac),
  subnets: parseSubnetKey(key),
});

const deep = (depth: number): Json => JSON.parse('['.repeat(depth) + ']'.repeat(depth)) as Json;

const reasons = ({ follower }: Following) => Object.fromEntries(follower.skipped);

it('without a word is a peer of another backend', async () => {
  const { events, follower, snapshot } = await follow('vxlan');
  await snapshot(lease(2), lease(3, { backendType: 'host-gw' }));
  expect(follower.peers).toBe(0);
  expect(follower.skipped.size).toBe(0);
  expect(events).toEqual([]);
});

it.each<[string, Lease, string]>([
  [
    'our own former lease',
    { ...vxlanLease(9), attributes: vxlanLease(1).attributes },
    'PublicIP must be that of another host, not 192.0.2.1',
  ],
  ['outside the network', vxlanLeaseOf('10.6.2.0-24', 2), 'its subnet is outside the cluster network'],
  ['over our own subnet', vxlanLeaseOf('10.5.0.0-20', 2), 'its subnet overlaps our own'],
  ['of malformed data', vxlanLease(2, 'no'), 'VtepMAC must be the MAC address of one interface, not "no"'],
])('with a reason is a lease that is %s', async (_, peer, reason) => {
  const { device, events, follower, snapshot } = await follow('vxlan');
  await snapshot(peer, vxlanLease(3));
  expect(device.calls.at(-1)).toBe('apply self 10.5.3.0-24');
  expect(events).toMatchObject([
    { kind: 'peer-skipped', reason: expect.stringContaining(reason) as unknown },
  ]);
  expect([...follower.skipped.values()]).toEqual([expect.stringContaining(reason)]);
});

describe('a failing peer', () => {
  it.each<[string, Json]>([
    ['BackendData', deep(10_000)],
    ['VtepMAC', { VNI: 1, VtepMAC: deep(10_000) }],
    ['VNI', { VNI: deep(10_000), VtepMAC: '02:00:00:00:01:02' }],
  ])(
    'whose %s is nested 10,000 deep is skipped by itself, until its lease changes',
    async (_, backendData) => {
      const following = await follow('vxlan');
      const { device, follower, snapshot, delta } = following;
      const nested = lease(2, { backendType: 'vxlan', backendData });
      await snapshot(nested, vxlanLease(3));
      expect(device.calls.at(-1)).toBe('apply self 10.5.3.0-24');
      expect(Object.keys(reasons(following))).toEqual(['10.5.2.0-24']);
      await delta(put(revised(vxlanLease(2))));
      expect(reasons(following)).toEqual({});
      expect(follower.peers).toBe(2);
    },
  );

  it('may cause whatever exception it likes, and ends nothing', async () => {
    const context = createContext({ Type: 'udp' });
    const backend = await createIn(context);
    const failing = {
      ...backend,
      planPeer(peer: Lease) {
        if (peer.attributes.backendData === null) throw new TypeError('no such method');
        return backend.planPeer(peer);
      },
    };
    const follower = createPeerFollower({ ...context, backend: failing }, lease(1));
    const leases = [lease(2, { backendData: null }), lease(3)];
    await follower.follow({ kind: 'snapshot', leases, unreadable: [] });
    expect(follower.peers).toBe(1);
    expect(Object.fromEntries(follower.skipped)).toEqual({
      '10.5.2.0-24': 'it cannot be read: "TypeError: no such method"',
    });
  });

  it('is shown by an excerpt of what it wrote', async () => {
    const following = await follow('vxlan');
    await following.snapshot(vxlanLease(2, 'x'.repeat(1024 * 1024)));
    expect(reasons(following)['10.5.2.0-24']).toMatch(
      /^VtepMAC must be the MAC address of one interface, not "x{90,100}…; restart flanneld on its host$/,
    );
  });

  it('is reported once for each reason, not at every renewal', async () => {
    const { events, delta } = await follow('vxlan');
    await delta(put(vxlanLease(2, 'no')));
    await delta(put(revised(vxlanLease(2, 'no'))));
    expect(events).toHaveLength(1);
    await delta(put(revised(revised(vxlanLease(2, 'none')))));
    expect(events).toHaveLength(2);
    await delta(removed(2));
    await delta(put(vxlanLease(2, 'no')));
    expect(events).toHaveLength(3);
  });
});

describe('two peers with one MAC address', () => {
  const mac = '02:00:00:00:00:0a';
  const [first, second] = [vxlanLease(2, mac), vxlanLease(3, mac)];

  it.each([[[first, second]], [[second, first]]])(
    'are the one with the smaller key, whatever comes first: %#',
    async (leases) => {
      const following = await follow('vxlan');
      for (const each of leases) await following.delta(put(each));
      expect(following.device.desiredBy('10.5.2.0-24')).toContain(`fdb ${mac} dst 192.0.2.2 dev flannel.1`);
      expect(following.device.desiredBy('10.5.3.0-24')).toBeUndefined();
      expect(reasons(following)).toEqual({
        '10.5.3.0-24': expect.stringMatching(
          /^VtepMAC 02:00:00:00:00:0a is that of 10\.5\.2\.0-24 too, .*delete the VXLAN device of one/,
        ) as unknown,
      });
    },
  );

  it('change places at once when the first goes, or takes another address', async () => {
    const following = await follow('vxlan');
    const { device, snapshot, delta } = following;
    await snapshot(first, second);
    await delta(removed(2));
    expect(device.calls.at(-1)).toBe('update 10.5.2.0-24 10.5.3.0-24');
    expect(device.desiredBy('10.5.3.0-24')).toContain(`fdb ${mac} dst 192.0.2.3 dev flannel.1`);
    await delta(put(first));
    expect(Object.keys(reasons(following))).toEqual(['10.5.3.0-24']);
    await delta(put(revised(vxlanLease(2))));
    expect(reasons(following)).toEqual({});
  });

  it('are both followed when they are one host with two leases', async () => {
    const following = await follow('vxlan');
    await following.snapshot(first, vxlanLeaseOf('10.5.9.0-24', 2, mac));
    expect(following.follower.peers).toBe(2);
    expect(reasons(following)).toEqual({});
  });
});

describe('peers whose subnets overlap', () => {
  it('are the ones as long as hosts lease them, rather than a narrower one', async () => {
    const following = await follow('vxlan');
    const leased = vxlanLease(2);
    await following.snapshot(leased, vxlanLeaseOf('10.5.2.7-32', 3));
    expect(reasons(following)).toEqual({
      '10.5.2.7-32': expect.stringContaining('overlaps that of 10.5.2.0-24') as unknown,
    });
    await following.delta(removed(2));
    expect(reasons(following)).toEqual({});
    await following.delta(put(revised(leased)));
    expect(Object.keys(reasons(following))).toEqual(['10.5.2.7-32']);
  });

  const wide = vxlanLeaseOf('10.5.4.0-22', 2);
  const [low, high] = [vxlanLeaseOf('10.5.5.0-24', 3), vxlanLeaseOf('10.5.6.0-24', 4)];

  it.each([[[wide, low, high]], [[high, wide, low]], [[low, high, wide]]])(
    'are the more specific ones, whatever comes first: %#',
    async (leases) => {
      const following = await follow('vxlan');
      for (const each of leases) await following.delta(put(each));
      expect(following.follower.peers).toBe(2);
      expect(reasons(following)).toEqual({
        '10.5.4.0-22': expect.stringMatching(
          /^its subnet overlaps that of 10\.5\.5\.0-24, .*delete the lease/,
        ) as unknown,
      });
    },
  );

  it('change places at once when the last specific one goes', async () => {
    const following = await follow('vxlan');
    const { device, snapshot, delta } = following;
    await snapshot(wide, low, high);
    await delta(removed(5));
    expect(reasons(following)['10.5.4.0-22']).toContain('10.5.6.0-24');
    await delta(removed(6));
    expect(reasons(following)).toEqual({});
    expect(device.desiredBy('10.5.4.0-22')).toContain('route 10.5.4.0/22 via 10.5.4.0 dev flannel.1 onlink');
  });

  it('by the same prefix in two keys are the one with the smaller key', async () => {
    const following = await follow('udp');
    const both = { ...lease(2), subnets: parseSubnetKey('10.5.2.0-24&fc00:0:0:62::-64') };
    await following.snapshot(both, lease(2, { publicIp: { ipv4: parseAddress('192.0.2.9') } }));
    expect(Object.keys(reasons(following))).toEqual(['10.5.2.0-24&fc00:0:0:62::-64']);
    expect(following.tunnel.state()).toContain('10.5.2.0/24 192.0.2.9:8285');
    await following.delta(removed(2));
    expect(following.tunnel.state()).toContain('10.5.2.0/24 192.0.2.2:8285');
  });
});

describe('among 20,000 leases as among 100 costs', () => {
  /** Each tenth lease has this one. */
  const sharedMac = '02:01:00:00:00:00';
  const macOf = (index: number) =>
    index % 10
      ? (0x02_01_00_00_01_00 + index).toString(16).padStart(12, '0').match(/../g)!.join(':')
      : sharedMac;
  const keyOf = (index: number) => `10.5.${String(16 + (index >> 7))}.${String((index & 127) * 2)}-31`;

  /** Returns the median time, in ms, of updates that give one of so many leases to each of two hosts in turn. */
  async function costOf(size: number, mac: string, hosts: readonly [number, number]): Promise<number> {
    const context = createContext({ Type: 'vxlan' });
    const backend = await createIn(context);
    const selection = createPeerSelection({ ...context, backend, onSkipped: () => undefined }, vxlanLease(1));
    const peers = Array.from({ length: size }, (_, index) =>
      vxlanLeaseOf(keyOf(index), 2 + (index % 100), macOf(index)),
    );
    selection.update(peers.map(put));
    const times = Array.from({ length: 501 }, (_, event) => {
      const change = put(vxlanLeaseOf(keyOf(size - 1), hosts[event % 2]!, mac));
      const start = performance.now();
      selection.update([change]);
      return performance.now() - start;
    });
    return times.sort((a, b) => a - b)[250]!;
  }

  it.each<[string, string, [number, number]]>([
    ['a renewal', '02:02:00:00:00:00', [201, 201]],
    ['a change of a lease without rivals', '02:02:00:00:00:00', [201, 202]],
    ['a change of one of many leases with one MAC address', sharedMac, [201, 202]],
  ])('%s, within a factor of 20', async (_, mac, hosts) => {
    await costOf(100, mac, hosts);
    const small = await costOf(100, mac, hosts);
    // Each visit of all leases would cost a hundred times more.
    expect(await costOf(20_000, mac, hosts)).toBeLessThan(20 * small);
  });
});
