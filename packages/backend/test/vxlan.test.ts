import { parseAddress } from '@flannel-ts/ip';
import type { Json } from '@flannel-ts/subnet';
import { describe, expect, it } from 'vitest';
import { PeerDataError } from '../src/index.ts';
import {
  create,
  createContext,
  createIn,
  describeDesired,
  lease,
  underlay,
  vxlanLease,
} from './support/context.ts';

const vxlan = (options: Record<string, Json> = {}) => create({ Type: 'vxlan', ...options });

/** The device that options ask for, as `ip link` would make it. */
async function device(options: Record<string, Json> = {}): Promise<string> {
  return describeDesired((await vxlan(options)).planSelf(lease(1)))![0]!;
}

describe('this host', () => {
  it('has a device with its subnet as address, and publishes VNI and MAC address', async () => {
    const backend = await vxlan();
    expect(describeDesired(backend.planSelf(lease(1)))).toEqual([
      'link flannel.1 mtu 1450 address 02:00:00:00:00:01 type vxlan id 1 dev eth0 local 192.0.2.1 dstport 8472 nolearning',
      'address 10.5.1.0/32 dev flannel.1',
    ]);
    expect(backend.mtu).toBe(1450);
    expect(backend.tunnel).toBeUndefined();
    expect(backend.attributes).toEqual({
      backendType: 'vxlan',
      backendData: { VNI: 1, VtepMAC: '02:00:00:00:00:01' },
    });
    expect(backend.overlayInterfaces).toEqual(['flannel.1']);
    expect(backend.ownership).toEqual({
      links: [{ name: 'flannel.1', kind: 'vxlan' }],
      gatewayRoutes: [],
    });
  });

  it.each<[string, Record<string, Json>, string]>([
    ['VNI', { VNI: 4096 }, 'link flannel.4096 .* id 4096 '],
    ['VNI 0', { VNI: 0 }, 'link flannel.0 .* id 0 '],
    ['Port', { Port: 4789 }, 'dstport 4789 '],
    ['Port 0, the kernel’s own', { Port: 0 }, 'dstport 8472 '],
    ['GBP', { GBP: true }, 'nolearning gbp$'],
    ['Learning', { Learning: true }, ' learning$'],
    ['keys in any case', { vni: 2, learning: true }, ' id 2 .* learning$'],
  ])('takes the option %s', async (_, options, expected) => {
    expect(await device(options)).toMatch(new RegExp(expected));
  });

  it.each([
    ['of the interface less 50', {}, 1500, 1450],
    ['of the option less 50', { MTU: 1400 }, 1500, 1350],
    ['of jumbo frames', {}, 9001, 8951],
    ['that fits the interface, whatever the option', { MTU: 9000 }, 1500, 1450],
    ['of the interface when the option is 0', { MTU: 0 }, 1500, 1450],
    ['of at least 576', { MTU: 626 }, 1500, 576],
  ])('has an MTU %s', async (_, options, mtu, expected) => {
    const backend = await create({ Type: 'vxlan', ...options }, { underlay: { ...underlay, mtu } });
    expect(backend.mtu).toBe(expected);
    expect(describeDesired(backend.planSelf(lease(1)))![0]).toContain(` mtu ${expected} `);
  });

  it('keeps the MAC address that its device has', async () => {
    const context = createContext({ Type: 'vxlan' });
    await createIn(context);
    expect(context.device.calls).toEqual(['ensureLink flannel.1']);
  });
});

describe('a peer', () => {
  it('is a neighbour, an FDB entry and an onlink route', async () => {
    const backend = await vxlan();
    expect(describeDesired(backend.planPeer(vxlanLease(7)))).toEqual([
      'neighbour 10.5.7.0 lladdr 02:00:00:00:01:07 dev flannel.1',
      'fdb 02:00:00:00:01:07 dst 192.0.2.7 dev flannel.1',
      'route 10.5.7.0/24 via 10.5.7.0 dev flannel.1 onlink',
    ]);
  });

  it('of an old upstream, without VNI, is followed, and its MAC address may be in upper case', async () => {
    const backend = await vxlan();
    const peer = lease(7, { backendType: 'vxlan', backendData: { vtepmac: '02:AA:00:00:01:07' } });
    expect(describeDesired(backend.planPeer(peer))![0]).toBe(
      'neighbour 10.5.7.0 lladdr 02:aa:00:00:01:07 dev flannel.1',
    );
  });

  it('of another backend is none', async () => {
    const backend = await vxlan();
    expect(backend.planPeer(lease(7))).toBeUndefined();
    expect(backend.planPeer(lease(7, { backendType: 'host-gw' }))).toBeUndefined();
  });

  it.each<[string, Json | undefined, string]>([
    ['none', undefined, 'VtepMAC must be the MAC address of one interface, not ""'],
    ['no object', 'text', 'BackendData must be a JSON object, not "text"'],
    ['a number', { VtepMAC: 7 }, 'VtepMAC must be a string, not 7'],
    ['no MAC address', { VtepMAC: '02:00' }, 'VtepMAC must be the MAC address of one interface, not "02:00"'],
    ['a group address', { VtepMAC: '01:00:5e:00:00:01' }, 'VtepMAC must be the MAC address of one interface'],
    ['a MAC address of zeros', { VtepMAC: '00:00:00:00:00:00' }, 'VtepMAC must be the MAC address of one'],
    ['of another VNI', { VNI: 2, VtepMAC: '02:00:00:00:00:07' }, 'VNI must be 1 as on this host, not 2'],
    ['of no VNI', { VNI: '1', VtepMAC: '02:00:00:00:00:07' }, 'VNI must be a whole number'],
    ['our own MAC address', { VtepMAC: '02:00:00:00:00:01' }, 'delete flannel.1 on one of the hosts'],
  ])('whose data is %s is an error that says so', async (_, backendData, message) => {
    const backend = await vxlan();
    const plan = () => backend.planPeer(lease(7, { backendType: 'vxlan', backendData }));
    expect(plan).toThrow(PeerDataError);
    expect(plan).toThrow(message);
  });

  it('without an IPv4 address is an error that says so', async () => {
    const backend = await vxlan();
    const peer = { ...vxlanLease(7).attributes, publicIp: { ipv6: parseAddress('2001:db8::7') } };
    expect(() => backend.planPeer(lease(7, peer))).toThrow('PublicIP must be an IPv4 address');
  });
});

describe('with DirectRouting', () => {
  it('a peer on the interface’s own link is a gateway', async () => {
    const backend = await vxlan({ DirectRouting: true });
    expect(backend.overlayInterfaces).toEqual(['flannel.1', 'eth0']);
    expect(describeDesired(backend.planPeer(vxlanLease(7)))).toEqual([
      'route 10.5.7.0/24 via 192.0.2.7 dev eth0',
    ]);
    expect(backend.ownership.gatewayRoutes).toEqual([
      { link: 'eth0', from: parseAddress('10.5.1.0'), to: parseAddress('10.5.255.0'), prefixLength: 24 },
    ]);
  });

  it('a peer behind a router is not', async () => {
    const backend = await vxlan({ DirectRouting: true });
    const far = { ...vxlanLease(7).attributes, publicIp: { ipv4: parseAddress('203.0.113.7') } };
    expect(describeDesired(backend.planPeer(lease(7, far)))).toEqual([
      'neighbour 10.5.7.0 lladdr 02:00:00:00:01:07 dev flannel.1',
      'fdb 02:00:00:00:01:07 dst 203.0.113.7 dev flannel.1',
      'route 10.5.7.0/24 via 10.5.7.0 dev flannel.1 onlink',
    ]);
  });
});
