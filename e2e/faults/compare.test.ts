import { describe, expect, it } from 'vitest';
import { compareHost, compareLeases } from './compare.ts';
import { publicIpOf, type StoredLease } from './etcd-client.ts';
import { expectedState } from './expected.ts';
import { NETWORKS } from './networks.ts';
import type { Observed } from './observe.ts';

const SELF = { name: 'host1', underlayAddress: '192.168.77.11', underlayMtu: 1500 };
const [MAC1, MAC2, MAC3] = ['02:00:00:00:00:01', '02:00:00:00:00:02', '02:00:00:00:00:03'];
const LEASES = [
  lease('10.5.1.0-24', '192.168.77.11', MAC1),
  lease('10.5.2.0-24', '192.168.77.12', MAC2),
  lease('10.5.3.0-24', '192.168.77.13', MAC3),
];

const SUBNET_ENV = (mtu: number) =>
  `FLANNEL_NETWORK=10.5.0.0/16 FLANNEL_SUBNET=10.5.1.1/24 FLANNEL_MTU=${mtu} FLANNEL_IPMASQ=true`;

const IPTABLES = [
  '-A PREROUTING -m comment --comment "flanneld ingress" -j FLANNEL-RAW',
  '-A FLANNEL-RAW -s 10.5.0.0/16 -d 10.5.1.0/24 -i flannel.1 -m comment --comment "flanneld ingress" -j ACCEPT',
  '-A FORWARD -m comment --comment "flanneld ingress" -j FLANNEL-INGRESS',
  '-A FORWARD -m comment --comment "flanneld forward" -j FLANNEL-FWD',
  '-A FLANNEL-FWD -s 10.5.0.0/16 -m comment --comment "flanneld forward" -j ACCEPT',
  '-A FLANNEL-FWD -d 10.5.0.0/16 -m comment --comment "flanneld forward" -j ACCEPT',
  '-A FLANNEL-INGRESS -s 10.5.0.0/16 -d 10.5.1.0/24 -i flannel.1 -m comment --comment "flanneld ingress" -j ACCEPT',
  '-A POSTROUTING -m comment --comment "flanneld masq" -j FLANNEL-POSTRTG',
  '-A FLANNEL-POSTRTG -m mark --mark 0x4000/0x4000 -m comment --comment "flanneld masq" -j RETURN',
  '-A FLANNEL-POSTRTG -s 10.5.1.0/24 -d 10.5.0.0/16 -m comment --comment "flanneld masq" -j RETURN',
  '-A FLANNEL-POSTRTG -s 10.5.0.0/16 -d 10.5.1.0/24 -m comment --comment "flanneld masq" -j RETURN',
  '-A FLANNEL-POSTRTG ! -s 10.5.0.0/16 -d 10.5.1.0/24 -m comment --comment "flanneld masq" -j RETURN',
  '-A FLANNEL-POSTRTG -s 10.5.0.0/16 ! -d 224.0.0.0/4 -m comment --comment "flanneld masq" -j MASQUERADE --random-fully',
  '-A FLANNEL-POSTRTG ! -s 10.5.0.0/16 -d 10.5.0.0/16 -m comment --comment "flanneld masq" -j MASQUERADE --random-fully',
];

const NFTABLES = [
  'ip saddr 10.5.0.0/16 accept comment "flanneld forward"',
  'ip daddr 10.5.0.0/16 accept comment "flanneld forward"',
  'meta mark & 0x00004000 == 0x00004000 return comment "flanneld masq"',
  'ip saddr 10.5.1.0/24 ip daddr 10.5.0.0/16 return comment "flanneld masq"',
  'ip saddr 10.5.0.0/16 ip daddr 10.5.1.0/24 return comment "flanneld masq"',
  'ip saddr != 10.5.0.0/16 ip daddr 10.5.1.0/24 return comment "flanneld masq"',
  'ip saddr 10.5.0.0/16 ip daddr != 224.0.0.0/4 masquerade fully-random comment "flanneld masq"',
  'ip saddr != 10.5.0.0/16 ip daddr 10.5.0.0/16 masquerade fully-random comment "flanneld masq"',
];

/** host1 with vxlan, as its own programs list it. */
const VXLAN: Observed = {
  links: [{ name: 'flannel.1', kind: 'vxlan', mtu: 1450, mac: MAC1, addresses: ['10.5.1.0/32'] }],
  routes: ['10.5.2.0/24 via 10.5.2.0 dev flannel.1 onlink', '10.5.3.0/24 via 10.5.3.0 dev flannel.1 onlink'],
  neighbours: [
    `10.5.2.0 dev flannel.1 lladdr ${MAC2} PERMANENT`,
    `10.5.3.0 dev flannel.1 lladdr ${MAC3} PERMANENT`,
  ],
  fdb: [
    `${MAC2} dev flannel.1 dst 192.168.77.12 self permanent`,
    `${MAC3} dev flannel.1 dst 192.168.77.13 self permanent`,
  ],
  iptables: IPTABLES,
  nftables: [],
  subnetEnv: SUBNET_ENV(1450),
};

function violations(observed: Observed, name = 'vxlan', leases: readonly StoredLease[] = LEASES): string[] {
  const network = NETWORKS.find((choice) => choice.name === name)!;
  return compareHost(expectedState(network, leases, SELF), observed);
}

describe('a host that is as its leases say', () => {
  const routesOfHosts = ['10.5.2.0/24 via 192.168.77.12 dev eth0', '10.5.3.0/24 via 192.168.77.13 dev eth0'];
  it.each<[string, Observed, (readonly StoredLease[])?]>([
    ['vxlan', VXLAN],
    ['vxlan, nftables', { ...VXLAN, iptables: [], nftables: NFTABLES }],
    ['vxlan, direct routing', { ...VXLAN, routes: routesOfHosts, neighbours: [], fdb: [] }],
    [
      'host-gw',
      {
        ...VXLAN,
        ...{ links: [], routes: routesOfHosts, neighbours: [], fdb: [] },
        subnetEnv: SUBNET_ENV(1500),
      },
    ],
    [
      'udp',
      {
        ...VXLAN,
        links: ['flannel0', 'flannel0-rx'].map((name) => ({
          ...{ name, kind: 'tun', mtu: 1472, mac: '', addresses: ['10.5.1.0/32'] },
        })),
        ...{ routes: ['10.5.0.0/16 dev flannel0'], neighbours: [], fdb: [] },
        subnetEnv: SUBNET_ENV(1472),
      },
      LEASES.map(({ key, publicIp }) => lease(key, publicIp!)),
    ],
  ])('has no violation: %s', (name, observed, leases) => {
    expect(violations(observed, name, leases)).toEqual([]);
  });
});

describe('a host that is not as its leases say', () => {
  const [device] = VXLAN.links;
  const gone = LEASES.slice(0, 2);
  it.each<[string, Partial<Observed>, readonly string[]]>([
    [
      'a missing route',
      { routes: VXLAN.routes.slice(1) },
      ['routes: missing 10.5.2.0/24 via 10.5.2.0 dev flannel.1 onlink'],
    ],
    [
      'a wrong route',
      { routes: ['10.5.2.0/24 via 192.168.77.1 dev eth0', VXLAN.routes[1]!] },
      [
        'routes: missing 10.5.2.0/24 via 10.5.2.0 dev flannel.1 onlink',
        'routes: unexpected 10.5.2.0/24 via 192.168.77.1 dev eth0',
      ],
    ],
    [
      'a missing neighbour',
      { neighbours: VXLAN.neighbours.slice(0, 1) },
      [`neighbours: missing 10.5.3.0 dev flannel.1 lladdr ${MAC3} PERMANENT`],
    ],
    [
      'a neighbour with another MAC',
      { neighbours: [VXLAN.neighbours[0]!.replace(MAC2, MAC1), VXLAN.neighbours[1]!] },
      [
        `neighbours: missing 10.5.2.0 dev flannel.1 lladdr ${MAC2} PERMANENT`,
        `neighbours: unexpected 10.5.2.0 dev flannel.1 lladdr ${MAC1} PERMANENT`,
      ],
    ],
    [
      'a foreign FDB entry',
      { fdb: [...VXLAN.fdb, '02:00:00:00:00:43 dev flannel.1 dst 192.168.77.251 self permanent'] },
      ['fdb: unexpected 02:00:00:00:00:43 dev flannel.1 dst 192.168.77.251 self permanent'],
    ],
    [
      'an FDB entry that leads to another host',
      { fdb: [`${MAC2} dev flannel.1 dst 192.168.77.13 self permanent`, VXLAN.fdb[1]!] },
      [
        `fdb: missing ${MAC2} dev flannel.1 dst 192.168.77.12 self permanent`,
        `fdb: unexpected ${MAC2} dev flannel.1 dst 192.168.77.13 self permanent`,
      ],
    ],
    [
      'another MTU of the device',
      { links: [{ ...device!, mtu: 1280 }] },
      [
        `device: missing flannel.1 mtu 1450 ${MAC1} 10.5.1.0/32`,
        `device: unexpected flannel.1 mtu 1280 ${MAC1} 10.5.1.0/32`,
      ],
    ],
    [
      'a second address of the device',
      { links: [{ ...device!, addresses: ['10.5.1.0/32', '10.99.0.1/32'] }] },
      [
        `device: missing flannel.1 mtu 1450 ${MAC1} 10.5.1.0/32`,
        `device: unexpected flannel.1 mtu 1450 ${MAC1} 10.5.1.0/32 10.99.0.1/32`,
      ],
    ],
    ['no device', { links: [] }, [`device: missing flannel.1 mtu 1450 ${MAC1} 10.5.1.0/32`]],
    [
      'a device of a former VNI',
      { links: [device!, { ...device!, name: 'flannel.7' }] },
      ['a device flannel.7'],
    ],
    ['a missing rule', { iptables: IPTABLES.slice(1) }, [`iptables: missing ${IPTABLES[0]!}`]],
    ['a rule that is there twice', { iptables: [...IPTABLES, IPTABLES[4]!] }, [`twice ${IPTABLES[4]!}`]],
    [
      'a rule of a former subnet',
      { iptables: [...IPTABLES, IPTABLES[9]!.replace('10.5.1.0', '10.5.9.0')] },
      [`iptables: unexpected ${IPTABLES[9]!.replace('10.5.1.0', '10.5.9.0')}`],
    ],
    [
      'an empty chain of peers',
      { iptables: IPTABLES.filter((rule) => !rule.startsWith('-A FLANNEL-RAW')) },
      ['iptables: FLANNEL-RAW is empty'],
    ],
    [
      'rules of the other firewall',
      { nftables: NFTABLES.slice(0, 1) },
      [`nftables: unexpected ${NFTABLES[0]!}`],
    ],
    [
      'a damaged subnet.env',
      { subnetEnv: 'nonsense=undefined' },
      [`subnet.env: missing ${SUBNET_ENV(1450)}`, 'subnet.env: unexpected nonsense=undefined'],
    ],
  ])('is found: %s', (_, change, found) => {
    expect(violations({ ...VXLAN, ...change })).toEqual(found);
  });

  it('is found: what is left of a host whose lease has ended', () => {
    expect(violations(VXLAN, 'vxlan', gone)).toEqual([
      `routes: unexpected ${VXLAN.routes[1]!}`,
      `neighbours: unexpected ${VXLAN.neighbours[1]!}`,
      `fdb: unexpected ${VXLAN.fdb[1]!}`,
    ]);
  });

  it('is found: rules of iptables beside those of nftables', () => {
    const both = { ...VXLAN, nftables: NFTABLES };
    expect(violations(both, 'vxlan, nftables')).toEqual(
      IPTABLES.map((rule) => `iptables: unexpected ${rule}`),
    );
  });

  it('is found: rules of nftables that are missing, repeated or of a former subnet', () => {
    const former = NFTABLES[3]!.replace('10.5.1.0', '10.5.9.0');
    const nftables = [...NFTABLES.slice(1), NFTABLES[1]!, former];
    expect(violations({ ...VXLAN, iptables: [], nftables }, 'vxlan, nftables')).toEqual([
      `twice ${NFTABLES[1]!}`,
      `nftables: missing ${NFTABLES[0]!}`,
      `nftables: unexpected ${former}`,
    ]);
  });
});

describe('leases', () => {
  it('have no violation when each host has one', () => {
    expect(compareLeases(LEASES, [SELF])).toEqual([]);
  });

  it.each<[string, readonly StoredLease[], readonly string[]]>([
    ['a host without one', LEASES.slice(1), ['host1: 0 leases: ']],
    [
      'a host with two',
      [...LEASES, lease('10.5.9.0-24', '192.168.77.11', MAC1)],
      ['host1: 2 leases: 10.5.1.0-24, 10.5.9.0-24'],
    ],
    [
      'two that overlap',
      [...LEASES, lease('10.5.2.128-25', '192.168.77.14', MAC1)],
      ['10.5.2.0-24 overlaps 10.5.2.128-25'],
    ],
  ])('are found: %s', (_, leases, found) => {
    expect(compareLeases(leases, [SELF])).toEqual(found);
  });
});

function lease(key: string, publicIp: string, mac?: string): StoredLease {
  const vxlan = mac && { BackendType: 'vxlan', BackendData: { VNI: 1, VtepMAC: mac } };
  const value = JSON.stringify({ PublicIP: publicIp, ...vxlan });
  return { key, value, publicIp: publicIpOf(value) };
}
