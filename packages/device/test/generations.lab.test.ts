import { parseAddress } from '@flannel-ts/ip';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { HostState, Ownership } from '../src/index.ts';
import { createHost, desired, gatewayPeer, ownership, peer, self, vxlan, type Host } from './support/host.ts';

let host: Host;
beforeEach(async () => {
  host = await createHost();
});
afterEach(() => host[Symbol.asyncDispose]());

/** What host-gw owns. */
const gateways: Ownership = { ...ownership, links: [] };
const onlyVxlan: Ownership = { ...ownership, gatewayRoutes: [] };

/** The same state on the device of another VNI. */
function onVni2(state: HostState): HostState {
  const link = 'flannel.2';
  return {
    links: state.links && [{ ...vxlan, name: link, vni: 2 }],
    addresses: state.addresses?.map((address) => ({ ...address, link })),
    neighbours: state.neighbours?.map((neighbour) => ({ ...neighbour, link })),
    fdb: state.fdb?.map((entry) => ({ ...entry, link })),
    routes: state.routes?.map((route) => ({ ...route, link })),
  };
}

const routes = () => host.lines('ip route show root 10.5.0.0/16');
const devices = async () => (await host.netlink.links()).map(({ name }) => name).sort();

describe('apply with another ownership', () => {
  it('leaves no device and no route after a change of the VNI', async () => {
    await host.device.apply(desired({ self, seven: peer(7), eight: peer(8) }), onlyVxlan);
    await host.device.apply(desired({ self: onVni2(self), seven: onVni2(peer(7)) }), {
      links: [{ name: 'flannel.2', kind: 'vxlan' }],
      gatewayRoutes: [],
    });
    expect(await devices()).toEqual(['eth0', 'far', 'flannel.2', 'lo']);
    expect(await routes()).toEqual(['10.5.7.0/24 via 10.5.7.0 dev flannel.2 onlink']);
    expect(host.events).toEqual([{ kind: 'removed', steps: ['delete link flannel.1'] }]);
  });

  it('leaves no device and no route after a change from vxlan to host-gw and back', async () => {
    await host.device.apply(desired({ self, seven: peer(7), eight: peer(8) }), onlyVxlan);
    await host.device.apply(desired({ seven: gatewayPeer(7) }), gateways);
    expect(await devices()).toEqual(['eth0', 'far', 'lo']);
    expect(await routes()).toEqual(['10.5.7.0/24 via 192.0.2.7 dev eth0']);
    await host.device.apply(desired({ self, eight: peer(8) }), onlyVxlan);
    expect(await routes()).toEqual(['10.5.8.0/24 via 10.5.8.0 dev flannel.1 onlink']);
    expect(host.events).toEqual([
      { kind: 'removed', steps: ['delete link flannel.1'] },
      { kind: 'removed', steps: ['delete route 10.5.7.0/24 via 192.0.2.7 dev eth0'] },
    ]);
  });

  it('replaces a peer’s route in place before its former device goes, so that none of its packets is lost', async () => {
    await host.device.apply(desired({ self, seven: peer(7) }), onlyVxlan);
    const events = await host.record(() => host.device.apply(desired({ seven: gatewayPeer(7) }), gateways));
    const order = events.flatMap((event) => {
      if (event.kind === 'route' && event.route.destination.toString() === '10.5.7.0/24')
        return [event.change];
      return event.kind === 'link' && event.change === 'removed' ? [`${event.link.name} removed`] : [];
    });
    expect(order).toEqual(['put', 'flannel.1 removed']);
    expect(await routes()).toEqual(['10.5.7.0/24 via 192.0.2.7 dev eth0']);
  });

  it('removes what a former run left, when the ownership names its device', async () => {
    await host.device.apply(desired({ self, seven: peer(7) }), onlyVxlan);
    await host.device[Symbol.asyncDispose]();
    await using next = host.createDevice();
    await next.apply(desired({ seven: gatewayPeer(7) }), { ...gateways, links: onlyVxlan.links });
    expect(await devices()).toEqual(['eth0', 'far', 'lo']);
    expect(await routes()).toEqual(['10.5.7.0/24 via 192.0.2.7 dev eth0']);
  });

  it('leaves a device of an owned name that is of another kind', async () => {
    await host.run('ip link add flannel.1 type bridge');
    await host.run('ip address add 198.51.100.1/24 dev flannel.1');
    const before = await host.run('ip -details address show flannel.1');
    await host.device.apply(desired({ seven: gatewayPeer(7) }), ownership);
    expect(await host.run('ip -details address show flannel.1')).toBe(before);
    expect(host.events).toEqual([]);
  });

  it('removes later what it could not remove at once', async () => {
    let refusing = false;
    const batch: typeof host.netlink.batch = (operations) =>
      refusing ? Promise.reject(new Error('answers were lost')) : host.netlink.batch(operations);
    await using device = host.createDevice({ ...host.netlink, batch });
    await device.apply(desired({ self, seven: peer(7) }), onlyVxlan);
    refusing = true;
    await device.apply(desired({ seven: gatewayPeer(7) }), gateways);
    await device.apply(desired({ seven: gatewayPeer(7) }), gateways);
    expect(await devices()).toContain('flannel.1');
    refusing = false;
    await host.reported(({ kind }) => kind === 'recovered');
    expect(await devices()).toEqual(['eth0', 'far', 'lo']);
  });
});

describe('apply with the state that there is', () => {
  const all = desired({ self, seven: peer(7), gateway: gatewayPeer(9) });
  beforeEach(() => host.device.apply(all, ownership));

  it('changes nothing in the kernel for a new generation', async () => {
    const events = await host.record(async () => {
      await host.device.ensureLink(vxlan);
      await host.device.apply(new Map(all), { ...ownership });
    });
    expect(events).toEqual([]);
    expect(host.events).toEqual([]);
  });

  it('changes nothing in the kernel after a restart, and nothing when it is disposed of', async () => {
    const events = await host.record(async () => {
      await host.device[Symbol.asyncDispose]();
      await using next = host.createDevice();
      await next.ensureLink(vxlan);
      await next.apply(all, ownership);
    });
    expect(events).toEqual([]);
    expect(host.events).toEqual([]);
  });
});

describe('ensureLink before the next apply', () => {
  it('is not undone by a compare with the desired state of the former generation', async () => {
    await host.device.apply(desired({ self, seven: peer(7) }), onlyVxlan);
    const next = { ...vxlan, port: 4789, mtu: 1400 };
    const { index } = await host.device.ensureLink(next);
    await host.device.reconcile();
    expect(await host.device.ensureLink(next)).toMatchObject({ index });
    expect(await routes()).toEqual(['10.5.7.0/24 via 10.5.7.0 dev flannel.1 onlink']);
  });

  it('keeps a device that only a former ownership covers', async () => {
    await host.device.apply(desired({ self }), onlyVxlan);
    const unreachable = { ...gatewayPeer(7).routes![0]!, gateway: parseAddress('203.0.113.1') };
    await host.device.apply(desired({ unreachable: { routes: [unreachable] } }), gateways);
    const { index } = await host.device.ensureLink(vxlan);
    await host.device.reconcile();
    expect(await host.device.ensureLink(vxlan)).toMatchObject({ index });
  });
});
