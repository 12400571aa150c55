import { parseAddress, parsePrefix } from '@flannel-ts/ip';
import { describeOperation, type Link } from '@flannel-ts/netlink';
import { describe, expect, it } from 'vitest';
import { entryKey, entryText } from '../src/entry.ts';
import { Links } from '../src/kernel-tables.ts';
import { planChanges, planReconcile, toOperation, type Step } from '../src/plan.ts';
import type { Ownership } from '../src/index.ts';
import { entries, linesOf } from './support/words.ts';

const ownership: Ownership = {
  links: [{ name: 'flannel.1', kind: 'vxlan' }],
  gatewayRoutes: [
    { link: 'eth0', from: parseAddress('10.5.1.0'), to: parseAddress('10.5.199.0'), prefixLength: 24 },
  ],
  blackholesWithin: [parsePrefix('10.5.0.0/16')],
};
const links = new Links(
  ['lo', 'eth0', 'flannel.1'].map((name, position): Link => {
    return { name, index: position + 1, mtu: 1500, up: true, detail: { kind: 'physical' } };
  }),
);

const peer7 = `
  neighbour 10.5.7.0 lladdr 02:00:00:00:01:07 dev flannel.1
  fdb 02:00:00:00:01:07 dst 192.0.2.7 dev flannel.1
  route 10.5.7.0/24 via 10.5.7.0 dev flannel.1 onlink`;

/** The steps as the kernel gets them. */
function words(steps: readonly Step[]): string[] {
  return steps.map((step) => describeOperation(toOperation(step, links)!));
}

function reconcile(desired: string, present: string): string[] {
  const byKey = new Map(entries(desired).map((entry) => [entryKey(entry), entry]));
  return words(planReconcile(byKey, entries(present), ownership));
}

describe('planReconcile', () => {
  it('makes everything on an empty host, routes last', () => {
    const desired = `${peer7.split('\n').toReversed().join('\n')}
      address 10.5.1.0/32 dev flannel.1`;
    expect(reconcile(desired, '')).toEqual([
      'address replace 10.5.1.0/32 dev 3',
      'neighbour replace 10.5.7.0 lladdr 02:00:00:00:01:07 dev 3',
      'fdb replace 02:00:00:00:01:07 dst 192.0.2.7 dev 3',
      'route replace 10.5.7.0/24 via 10.5.7.0 dev 3 onlink',
    ]);
  });

  it('does nothing when all is there', () => {
    expect(reconcile(peer7, peer7)).toEqual([]);
  });

  it('deletes what is owned and undesired, addresses first, then routes', () => {
    expect(reconcile('', `address 10.5.9.0/32 dev flannel.1${peer7}`)).toEqual([
      'address delete 10.5.9.0/32 dev 3',
      'route delete 10.5.7.0/24 via 10.5.7.0 dev 3 onlink',
      'fdb delete 02:00:00:00:01:07 dst 192.0.2.7 dev 3',
      'neighbour delete 10.5.7.0 lladdr 02:00:00:00:01:07 dev 3',
    ]);
  });

  it('removes the address of a former subnet before it makes the route of the peer that has it now', () => {
    const desired = `address 10.5.1.0/32 dev flannel.1${peer7}`;
    expect(reconcile(desired, 'address 10.5.7.0/32 dev flannel.1')).toEqual([
      'address replace 10.5.1.0/32 dev 3',
      'address delete 10.5.7.0/32 dev 3',
      'neighbour replace 10.5.7.0 lladdr 02:00:00:00:01:07 dev 3',
      'fdb replace 02:00:00:00:01:07 dst 192.0.2.7 dev 3',
      'route replace 10.5.7.0/24 via 10.5.7.0 dev 3 onlink',
    ]);
  });

  it('moves a blackhole within its network, and leaves those elsewhere', () => {
    expect(
      reconcile(
        'blackhole 10.5.1.0/24',
        'blackhole 10.5.9.0/24\nblackhole 10.6.1.0/24\nroute 10.5.1.0/24 dev docker0',
      ),
    ).toEqual([
      'route replace blackhole 10.5.1.0/24 metric 4294967295',
      'route delete blackhole 10.5.9.0/24 metric 4294967295',
    ]);
  });

  it('puts before it deletes, and replaces in place', () => {
    const desired = peer7.replaceAll('01:07', '02:02').replaceAll('192.0.2.7', '192.0.2.77');
    expect(reconcile(desired, peer7)).toEqual([
      'neighbour replace 10.5.7.0 lladdr 02:00:00:00:02:02 dev 3',
      'fdb replace 02:00:00:00:02:02 dst 192.0.2.77 dev 3',
      'fdb delete 02:00:00:00:01:07 dst 192.0.2.7 dev 3',
    ]);
  });

  it.each([
    ['of another gateway', 'route 10.5.7.0/24 via 192.0.2.9 dev eth0'],
    ['of another program', 'route 10.5.7.0/24 via 10.5.7.0 dev flannel.1 onlink proto 4'],
    ['that is not onlink', 'route 10.5.7.0/24 via 10.5.7.0 dev flannel.1'],
  ])('replaces a route %s', (_, present) => {
    expect(reconcile('route 10.5.7.0/24 via 10.5.7.0 dev flannel.1 onlink', present)).toEqual([
      'route replace 10.5.7.0/24 via 10.5.7.0 dev 3 onlink',
    ]);
  });

  it('deletes a second route to one destination, which the kernel would use when the first goes', () => {
    const desired = 'route 10.5.7.0/24 via 192.0.2.7 dev eth0';
    expect(reconcile(desired, `${desired}\n route 10.5.7.0/24 via 192.0.2.9 dev eth0`)).toEqual([
      'route delete 10.5.7.0/24 via 192.0.2.9 dev 2',
    ]);
  });

  it.each([
    ['without a gateway', 'route 10.5.8.0/24 dev eth0'],
    ['of another length', 'route 10.5.64.0/20 via 192.0.2.9 dev eth0'],
    ['outside the network', 'route 10.6.8.0/24 via 192.0.2.9 dev eth0'],
    ['below the first subnet', 'route 10.5.0.0/24 via 192.0.2.9 dev eth0'],
    ['above the last subnet', 'route 10.5.200.0/24 via 192.0.2.9 dev eth0'],
    ['with a source', 'route 10.5.8.0/24 via 192.0.2.9 dev eth0 src 192.0.2.1'],
    ['with an onlink gateway', 'route 10.5.8.0/24 via 192.0.2.9 dev eth0 onlink'],
    ['on another link', 'route 10.5.8.0/24 via 127.0.0.9 dev lo'],
    ['of another protocol', 'route 10.5.8.0/24 via 192.0.2.9 dev eth0 proto 12'],
    ['of another protocol on our own link', 'route 10.5.8.0/24 dev flannel.1 proto 2'],
  ])('leaves a route %s to its owner', (_, present) => {
    expect(reconcile('', present)).toEqual([]);
  });

  it.each(['10.5.1.0/24', '10.5.199.0/24'])('deletes the route of a subnet at the edge, %s', (subnet) => {
    expect(reconcile('', `route ${subnet} via 192.0.2.9 dev eth0`)).toEqual([
      `route delete ${subnet} via 192.0.2.9 dev 2`,
    ]);
  });

  it.each([
    'neighbour 192.0.2.50 lladdr 02:00:00:00:09:09 dev eth0',
    'address 192.0.2.1/24 dev eth0',
    'fdb 02:00:00:00:09:09 dst 192.0.2.50 dev eth0',
  ])('leaves %s to its owner', (present) => {
    expect(reconcile('', present)).toEqual([]);
  });

  it('does not make again what is desired outside the bounds of what may be deleted', () => {
    const desired = 'route 10.5.64.0/20 via 192.0.2.9 dev eth0';
    expect(reconcile(desired, desired)).toEqual([]);
  });
});

describe('planChanges', () => {
  const [before] = entries('fdb 02:00:00:00:01:07 dst 192.0.2.7 dev flannel.1');
  const [after] = entries('fdb 02:00:00:00:01:07 dst 192.0.2.77 dev flannel.1');
  const [route] = entries('route 10.5.7.0/24 via 10.5.7.0 dev flannel.1 onlink');

  it('puts what is new or changed, then deletes what is gone', () => {
    const changes = [
      { before: route, after: undefined },
      { before, after },
    ];
    expect(words(planChanges(changes))).toEqual([
      'fdb replace 02:00:00:00:01:07 dst 192.0.2.77 dev 3',
      'route delete 10.5.7.0/24 via 10.5.7.0 dev 3 onlink',
    ]);
  });
});

describe('toOperation', () => {
  it('waits for a link that does not exist', () => {
    const [entry] = entries('route 10.5.7.0/24 via 10.5.7.0 dev flannel.2 onlink');
    expect(toOperation({ verb: 'put', entry: entry! }, links)).toBeUndefined();
  });

  it('makes permanent entries, and routes of the main table with the protocol of ip route add', () => {
    const operations = entries(`${peer7}\n address 10.5.1.0/32 dev flannel.1`).map((entry) =>
      toOperation({ verb: 'put', entry }, links),
    );
    expect(operations).toMatchObject([
      { op: 'put-neighbour', neighbour: { permanent: true } },
      { op: 'put-fdb', entry: { permanent: true } },
      { op: 'put-route', route: { table: 254, protocol: 3, kind: 'unicast', scope: 'global' } },
      { op: 'put-address', address: { scope: 'global', prefixLength: 32 } },
    ]);
  });
});

it('says an entry in the words of ip and bridge, IPv6 as IPv4', () => {
  const text = `
    address fd00::1/128 dev flannel-v6.1
    neighbour fd00:7:: lladdr 02:00:00:00:01:07 dev flannel-v6.1
    fdb 02:00:00:00:01:07 dst 2001:db8::7 dev flannel-v6.1
    route fd00:7::/64 via fd00:7:: dev flannel-v6.1 onlink src fd00::1
    route 10.5.0.0/16 dev flannel0
    route 10.5.7.0/24 via 192.0.2.9 dev eth0 proto 12`;
  expect(entries(text).map(entryText)).toEqual(linesOf(text));
});
