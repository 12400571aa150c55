import { parseAddress, parseInterfaceAddress, parsePrefix } from '@flannel-ts/ip';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { HostState } from '../src/index.ts';
import { createHost, desired, gatewayPeer, ownership, peer, self, vxlan, type Host } from './support/host.ts';

let host: Host;
beforeEach(async () => {
  host = await createHost();
});
afterEach(() => host[Symbol.asyncDispose]());

const peer7 = [
  '10.5.7.0/24 via 10.5.7.0 onlink',
  '10.5.7.0 lladdr 02:00:00:00:01:07 PERMANENT',
  '02:00:00:00:01:07 dst 192.0.2.7 self permanent',
];
const peer8 = peer7.map((line) => line.replace('5.7.0', '5.8.0').replace('5.7.0', '5.8.0')).map(toEight);
const rest = ['flannel.1        UNKNOWN        10.5.1.0/32', '02:00:00:00:00:01', '1450'];

function toEight(line: string): string {
  return line.replace('01:07', '01:08').replace('192.0.2.7', '192.0.2.8');
}

describe('apply', () => {
  it('makes device, address, route, neighbour and FDB entry', async () => {
    await host.device.apply(desired({ self, peer: peer(7) }), ownership);
    expect(await host.overlay()).toEqual([...peer7, ...rest]);
    const [link] = await host.namespace.json<{ linkinfo: { info_data: object } }[]>(
      ...['ip', '-json', '-details', 'link', 'show', 'flannel.1'],
    );
    expect(link!.linkinfo.info_data).toMatchObject({
      ...{ id: 1, link: 'eth0', local: '192.0.2.1', port: 8472, learning: false },
    });
  });

  it('changes nothing the second time', async () => {
    const all = desired({ self, seven: peer(7), gateway: gatewayPeer(9) });
    await host.device.apply(all, ownership);
    const before = await host.lines('ip -details link show flannel.1');
    await host.device.apply(all, ownership);
    await host.device.reconcile();
    expect(await host.lines('ip -details link show flannel.1')).toEqual(before);
    expect(host.events).toEqual([]);
  });

  it('removes what is stale and owned, and nothing else', async () => {
    await host.device.apply(desired({ self, old: peer(7) }), ownership);
    const others = [
      '10.5.64.0/20 via 192.0.2.9',
      '10.5.96.0/24 via 192.0.2.9 metric 50',
      '10.5.98.0/24 via 192.0.2.9 proto bird',
      '10.5.200.0/24 via 192.0.2.9',
      '10.6.0.0/24 via 192.0.2.9',
    ].sort();
    for (const route of others) await host.run(`ip route add ${route} dev eth0`);
    await host.run('ip route add 10.5.99.0/24 via 192.0.2.9 dev eth0');
    await host.run('ip route add 10.5.97.0/24 via 192.0.2.9 dev eth0 table 100');
    await host.run('ip neighbour add 192.0.2.50 lladdr 02:00:00:00:09:09 dev eth0');
    await host.device.apply(desired({ self, new: peer(8) }), ownership);
    expect(await host.overlay()).toEqual([...peer8, ...rest]);
    expect(await host.lines('ip route show dev eth0')).toEqual([
      ...others,
      '192.0.2.0/24 proto kernel scope link src 192.0.2.1',
    ]);
    expect(host.events).toMatchObject([
      {
        kind: 'removed',
        steps: expect.arrayContaining(['delete route 10.5.99.0/24 via 192.0.2.9 dev eth0']) as unknown,
      },
    ]);
    expect(await host.lines('ip route show table 100')).toEqual(['10.5.97.0/24 via 192.0.2.9 dev eth0']);
    expect(await host.lines('ip neighbour show dev eth0 nud permanent')).toEqual([
      '192.0.2.50 lladdr 02:00:00:00:09:09 PERMANENT',
    ]);
  });

  it('removes what an earlier run left, and keeps the device', async () => {
    await host.device.apply(desired({ self, stale: peer(7), gateway: gatewayPeer(9) }), ownership);
    await host.device[Symbol.asyncDispose]();
    const device = await host.lines('ip -details link show flannel.1');
    await using next = host.createDevice();
    await next.apply(desired({ self, peer: peer(8) }), ownership);
    expect(await host.overlay()).toEqual([...peer8, ...rest]);
    expect(await host.lines('ip route show 10.5.9.0/24')).toEqual([]);
    expect(await host.lines('ip -details link show flannel.1')).toEqual(device);
    expect(host.events).toEqual([
      {
        kind: 'removed',
        steps: [
          'delete route 10.5.9.0/24 via 192.0.2.9 dev eth0',
          'delete route 10.5.7.0/24 via 10.5.7.0 dev flannel.1 onlink',
          'delete fdb 02:00:00:00:01:07 dst 192.0.2.7 dev flannel.1',
          'delete neighbour 10.5.7.0 lladdr 02:00:00:00:01:07 dev flannel.1',
        ],
      },
    ]);
  });

  it('makes the route to a former subnet of this host, which a peer has taken', async () => {
    const former: HostState = {
      links: [vxlan],
      addresses: [{ link: 'flannel.1', address: parseInterfaceAddress('10.5.7.0/32') }],
    };
    await host.device.apply(desired({ former, peer: peer(8) }), ownership);
    await host.device.apply(desired({ self, peer: peer(7) }), ownership);
    expect(host.events).toMatchObject([{ kind: 'removed' }]);
    expect(await host.overlay()).toEqual([...peer7, ...rest]);
  });

  it('removes all of it when the host has no subnet any more', async () => {
    await host.device.apply(desired({ self, peer: peer(7) }), ownership);
    await host.device.apply(desired({ device: { links: [vxlan] } }), ownership);
    expect(host.events).toMatchObject([{ kind: 'removed' }]);
    expect(await host.overlay()).toEqual(['02:00:00:00:00:01', '1450']);
  });

  it('replaces a conflicting route', async () => {
    await host.run('ip route add 10.5.7.0/24 via 192.0.2.9');
    await host.device.apply(desired({ peer: gatewayPeer(7) }), ownership);
    expect(await host.lines('ip route show 10.5.7.0/24')).toEqual(['10.5.7.0/24 via 192.0.2.7 dev eth0']);
  });

  it('goes on when one entry cannot be made, reports it once, and makes it when it can be', async () => {
    const gateway = parseAddress('203.0.113.1');
    const bad: HostState = { routes: [{ destination: parsePrefix('10.5.7.0/24'), gateway, link: 'eth0' }] };
    await host.device.apply(desired({ self, bad, good: peer(8) }), ownership);
    await host.device.reconcile();
    expect(await host.overlay()).toEqual([...peer8, ...rest]);
    expect(host.events).toMatchObject([
      {
        kind: 'failed',
        what: 'put route 10.5.7.0/24 via 203.0.113.1 dev eth0',
        error: { code: 'ENETUNREACH' },
      },
    ]);
    await host.run('ip address add 203.0.113.2/24 dev eth0');
    await host.reported(({ kind }) => kind === 'repaired');
    expect(await host.lines('ip route show 10.5.7.0/24')).toEqual(['10.5.7.0/24 via 203.0.113.1 dev eth0']);
  });

  it('waits for a missing parent, and reports it once', async () => {
    const parent = 'eth1';
    await host.device.apply(
      desired({ self: { ...self, links: [{ ...vxlan, parent }] }, peer: peer(7) }),
      ownership,
    );
    await host.device.update(desired({ eight: peer(8) }));
    await host.device.reconcile();
    expect(host.events).toMatchObject([
      { kind: 'failed', what: 'link flannel.1', error: { name: 'LinkMissingError', link: 'eth1' } },
    ]);
    await host.run('ip link add eth1 type veth peer name far1');
    await host.reported(({ kind }) => kind === 'repaired');
    expect(await host.lines('ip route show dev flannel.1')).toEqual([
      '10.5.7.0/24 via 10.5.7.0 onlink',
      '10.5.8.0/24 via 10.5.8.0 onlink',
    ]);
  });
});

describe('update', () => {
  beforeEach(() => host.device.apply(desired({ self, seven: peer(7) }), ownership));

  it('removes the entries of a former MAC address', async () => {
    await host.device.update(desired({ seven: peer(7, '02:00:00:00:02:02') }));
    expect(await host.overlay()).toEqual([...peer7.map((line) => line.replace('01:07', '02:02')), ...rest]);
  });

  it('keeps an entry that another owner desires too', async () => {
    const fdb = () => host.lines('bridge fdb show dev flannel.1');
    await host.device.update(desired({ eight: { ...peer(8), fdb: peer(7).fdb } }));
    await host.device.update(new Map([['seven', undefined]]));
    expect(await fdb()).toEqual(['02:00:00:00:01:07 dst 192.0.2.7 self permanent']);
    expect(await host.lines('ip route show dev flannel.1')).toEqual(['10.5.8.0/24 via 10.5.8.0 onlink']);
    await host.device.update(new Map([['eight', undefined]]));
    expect(await fdb()).toEqual([]);
  });

  it('is reported and tried again when the connection fails', async () => {
    let failures = 0;
    const batch: typeof host.netlink.batch = (operations) =>
      failures++ === 0 ? Promise.reject(new Error('answers were lost')) : host.netlink.batch(operations);
    await using device = host.createDevice({ ...host.netlink, batch });
    failures = 1;
    await device.apply(desired({ self, seven: peer(7) }), ownership);
    failures = 0;
    await device.update(desired({ eight: peer(8) }));
    expect(host.events).toMatchObject([{ kind: 'failed', what: 'change the kernel' }]);
    await host.reported(({ kind }) => kind === 'repaired');
    expect(await host.overlay()).toContain('10.5.8.0/24 via 10.5.8.0 onlink');
  });
});
