import { parseAddress, parsePrefix } from '@flannel-ts/ip';
import { expect, it } from 'vitest';
import { encodeOperation, LARGEST_OPERATION_BYTES } from '../src/encode-operation.ts';
import type { NewRoute, Operation } from '../src/index.ts';
import { MessageWriter } from '../src/message-writer.ts';
import { hex } from './support/messages.ts';

/** `10.5.1.0/24 via 10.5.1.0 dev 7 onlink`, as for a peer of the vxlan backend. */
const route: NewRoute = {
  destination: parsePrefix('10.5.1.0/24'),
  kind: 'unicast',
  linkIndex: 7,
  gateway: parseAddress('10.5.1.0'),
  onlink: true,
  scope: 'global',
  table: 254,
  protocol: 3,
  multipath: false,
};

function expectBytes(operation: Operation, text: string): void {
  const writer = new MessageWriter(LARGEST_OPERATION_BYTES);
  encodeOperation(writer, operation, 0x01020304);
  expect(Buffer.from(writer.datagram()).toString('hex')).toBe(hex(text).toString('hex'));
}

it('put-route', () => {
  expectBytes(
    { op: 'put-route', route },
    `3c000000 1800 0105 04030201 00000000 | length 60, RTM_NEWROUTE, REQUEST|CREATE|REPLACE
     02 18 00 00 fe 03 00 01 04000000     | AF_INET, /24, main, boot, universe, unicast, ONLINK
     0800 0100 0a050100                   | RTA_DST
     0800 0f00 fe000000                   | RTA_TABLE
     0800 0400 07000000                   | RTA_OIF
     0800 0500 0a050100                   | RTA_GATEWAY`,
  );
});

it('put-route of a blackhole in another table, with metric', () => {
  expectBytes(
    {
      op: 'put-route',
      route: {
        ...{ destination: parsePrefix('fc00::/48'), kind: 'blackhole', onlink: false, scope: 'global' },
        ...{ table: 1000, protocol: 4, metric: 77, multipath: false },
      },
    },
    `40000000 1800 0105 04030201 00000000
     0a 30 00 00 fc 04 00 06 00000000                | AF_INET6, /48, RT_TABLE_COMPAT, static, blackhole
     1400 0100 fc000000 00000000 00000000 00000000   | RTA_DST
     0800 0f00 e8030000                              | RTA_TABLE 1000
     0800 0600 4d000000                              | RTA_PRIORITY 77`,
  );
});

it('delete-route leaves protocol, scope and kind open', () => {
  expectBytes(
    { op: 'delete-route', route: { ...route, source: parseAddress('10.5.9.1') } },
    `3c000000 1900 0100 04030201 00000000 | RTM_DELROUTE
     02 18 00 00 fe 00 ff 00 00000000     | protocol 0, nowhere, kind 0
     0800 0100 0a050100
     0800 0f00 fe000000
     0800 0400 07000000
     0800 0500 0a050100`,
  );
});

it('put-neighbour', () => {
  const mac = '02:00:00:00:00:0a';
  expectBytes(
    {
      op: 'put-neighbour',
      neighbour: { linkIndex: 7, address: parseAddress('10.5.1.0'), mac, permanent: true },
    },
    `30000000 1c00 0105 04030201 00000000 | RTM_NEWNEIGH
     02 000000 07000000 8000 00 00        | AF_INET, dev 7, NUD_PERMANENT
     0800 0100 0a050100                   | NDA_DST
     0a00 0200 02000000000a 0000          | NDA_LLADDR, padded`,
  );
});

it('put-fdb', () => {
  const entry = { linkIndex: 7, mac: '02:00:00:00:00:0a', permanent: true };
  expectBytes(
    { op: 'put-fdb', entry: { ...entry, destination: parseAddress('192.0.2.7') } },
    `30000000 1c00 0105 04030201 00000000
     07 000000 07000000 8000 02 00        | AF_BRIDGE, dev 7, NUD_PERMANENT, NTF_SELF
     0a00 0200 02000000000a 0000          | NDA_LLADDR
     0800 0100 c0000207                   | NDA_DST`,
  );
});

it('put-address', () => {
  expectBytes(
    {
      op: 'put-address',
      address: { linkIndex: 7, address: parseAddress('fc00::1'), prefixLength: 64, scope: 'link' },
    },
    `40000000 1400 0105 04030201 00000000            | RTM_NEWADDR
     0a 40 00 fd 07000000                            | AF_INET6, /64, link
     1400 0200 fc000000 00000000 00000000 00000001   | IFA_LOCAL
     1400 0100 fc000000 00000000 00000000 00000001   | IFA_ADDRESS`,
  );
});

it('create-link: VXLAN', () => {
  expectBytes(
    {
      op: 'create-link',
      link: {
        ...{ kind: 'vxlan', name: 'flannel.1', vni: 1, port: 8472, parentIndex: 2, mtu: 1450 },
        ...{ mac: '02:00:00:00:00:0a', local: parseAddress('192.0.2.1'), learning: true, gbp: true },
      },
    },
    `8c000000 1000 0106 04030201 00000000    | RTM_NEWLINK, REQUEST|CREATE|EXCL
     00 000000 00000000 00000000 00000000
     0e00 0300 666c616e6e656c2e3100 0000     | IFLA_IFNAME "flannel.1"
     0800 0400 aa050000                      | IFLA_MTU 1450
     0a00 0100 02000000000a 0000             | IFLA_ADDRESS
     0800 0500 02000000                      | IFLA_LINK
     4000 1280                               | IFLA_LINKINFO, nested
     0a00 0100 76786c616e00 0000             | IFLA_INFO_KIND "vxlan"
     3000 0280                               | IFLA_INFO_DATA, nested
     0800 0100 01000000                      | IFLA_VXLAN_ID
     0800 0300 02000000                      | IFLA_VXLAN_LINK
     0600 0f00 2118 0000                     | IFLA_VXLAN_PORT 8472, network byte order
     0500 0700 01 000000                     | IFLA_VXLAN_LEARNING
     0800 0400 c0000201                      | IFLA_VXLAN_LOCAL
     0400 1700                               | IFLA_VXLAN_GBP`,
  );
});

it('create-link: VXLAN that has no parent', () => {
  expectBytes(
    {
      op: 'create-link',
      link: { kind: 'vxlan', name: 'vx70', vni: 70, port: 4790, learning: false, gbp: false },
    },
    `58000000 1000 0106 04030201 00000000
     00 000000 00000000 00000000 00000000
     0900 0300 7678373000 000000             | IFLA_IFNAME "vx70"
     2c00 1280                               | IFLA_LINKINFO
     0a00 0100 76786c616e00 0000             | IFLA_INFO_KIND "vxlan"
     1c00 0280                               | IFLA_INFO_DATA
     0800 0100 46000000                      | IFLA_VXLAN_ID
     0600 0f00 12b6 0000                     | IFLA_VXLAN_PORT 4790
     0500 0700 00 000000                     | IFLA_VXLAN_LEARNING`,
  );
});

it('create-link: a veth pair', () => {
  expectBytes(
    { op: 'create-link', link: { kind: 'veth', name: 'a', peerName: 'b' } },
    `58000000 1000 0106 04030201 00000000
     00 000000 00000000 00000000 00000000
     0600 0300 6100 0000                     | IFLA_IFNAME "a"
     3000 1280                               | IFLA_LINKINFO
     0900 0100 7665746800 000000             | IFLA_INFO_KIND "veth"
     2000 0280                               | IFLA_INFO_DATA
     1c00 0180                               | VETH_INFO_PEER
     00 000000 00000000 00000000 00000000
     0600 0300 6200 0000                     | IFLA_IFNAME "b"`,
  );
});

it('set-link', () => {
  expectBytes(
    { op: 'set-link', index: 7, up: false, mtu: 1400, masterIndex: 3 },
    `30000000 1300 0100 04030201 00000000 | RTM_SETLINK
     00 000000 07000000 00000000 01000000 | dev 7, flags 0, change IFF_UP
     0800 0400 78050000                   | IFLA_MTU
     0800 0a00 03000000                   | IFLA_MASTER`,
  );
  expectBytes(
    { op: 'set-link', index: 7, alias: 'abc' },
    `28000000 1300 0100 04030201 00000000 | RTM_SETLINK
     00 000000 07000000 00000000 00000000 | dev 7
     0800 1400 61626300                   | IFLA_IFALIAS "abc"`,
  );
});

it('delete-link', () => {
  expectBytes(
    { op: 'delete-link', index: 7 },
    `20000000 1100 0100 04030201 00000000 | RTM_DELLINK
     00 000000 07000000 00000000 00000000`,
  );
});
