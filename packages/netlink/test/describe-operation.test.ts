import { parseAddress, parsePrefix } from '@flannel-ts/ip';
import { expect, it } from 'vitest';
import { describeOperation, type NewRoute } from '../src/index.ts';

const address = parseAddress('10.5.1.0');
const mac = '02:00:00:00:00:0a';
const neighbour = { linkIndex: 7, address, mac, permanent: true };
const entry = { linkIndex: 7, mac, destination: parseAddress('192.0.2.7'), permanent: true };
const linkAddress = { linkIndex: 7, address, prefixLength: 32, scope: 'global' } as const;
const blackhole: NewRoute = {
  ...{ destination: parsePrefix('10.5.0.0/16'), kind: 'blackhole', onlink: false, scope: 'global' },
  ...{ table: 254, protocol: 3, multipath: false },
};
const route: NewRoute = {
  ...blackhole,
  ...{
    kind: 'unicast',
    destination: parsePrefix('10.5.1.0/24'),
    linkIndex: 7,
    gateway: address,
    onlink: true,
  },
};

it('says operations in the words of ip and bridge', () => {
  const lines = [
    describeOperation({ op: 'create-link', link: { kind: 'bridge', name: 'cni0' } }),
    describeOperation({ op: 'set-link', index: 7, up: true, mtu: 1450, mac }),
    describeOperation({ op: 'set-link', index: 7, up: false, masterIndex: 3 }),
    describeOperation({ op: 'delete-link', index: 7 }),
    describeOperation({ op: 'put-address', address: linkAddress }),
    describeOperation({ op: 'put-route', route }),
    describeOperation({ op: 'put-route', route: { ...route, table: 100, metric: 5 } }),
    describeOperation({ op: 'delete-route', route: blackhole }),
    describeOperation({ op: 'put-neighbour', neighbour }),
    describeOperation({ op: 'delete-neighbour', neighbour: { linkIndex: 7, address, permanent: true } }),
    describeOperation({ op: 'put-fdb', entry }),
    describeOperation({ op: 'delete-fdb', entry: { linkIndex: 7, mac, permanent: true } }),
  ];
  expect(lines).toEqual([
    'link add cni0 type bridge',
    'link set dev 7 up mtu 1450 address 02:00:00:00:00:0a',
    'link set dev 7 down master 3',
    'link delete dev 7',
    'address replace 10.5.1.0/32 dev 7',
    'route replace 10.5.1.0/24 via 10.5.1.0 dev 7 onlink',
    'route replace 10.5.1.0/24 via 10.5.1.0 dev 7 onlink table 100 metric 5',
    'route delete blackhole 10.5.0.0/16',
    'neighbour replace 10.5.1.0 lladdr 02:00:00:00:00:0a dev 7',
    'neighbour delete 10.5.1.0 dev 7',
    'fdb replace 02:00:00:00:00:0a dst 192.0.2.7 dev 7',
    'fdb delete 02:00:00:00:00:0a dev 7',
  ]);
});
