import type { Address, Family } from '@flannel-ts/ip';
import {
  AF,
  IFA,
  IFF_UP,
  IFLA,
  IFLA_INFO,
  IFLA_VXLAN,
  NDA,
  NLA_F_NESTED,
  NLM_F,
  NTF_SELF,
  NUD,
  RTA,
  RTM,
  RTN,
  RTNH_F_ONLINK,
  RT_SCOPE,
  RT_TABLE_COMPAT,
  VETH_INFO_PEER,
} from './constants.ts';
import type { MessageWriter } from './message-writer.ts';
import type { FdbEntry, LinkAddress, Neighbour, NewLink, Operation, Route } from './objects.ts';

const CREATE_ONLY = NLM_F.CREATE | NLM_F.EXCL;
const PUT = NLM_F.CREATE | NLM_F.REPLACE;

/** Appends one operation as one message. */
export function encodeOperation(writer: MessageWriter, operation: Operation, sequence: number): void {
  const begin = (type: number, flags: number) => writer.begin(type, NLM_F.REQUEST | flags, sequence);
  switch (operation.op) {
    case 'create-link':
      begin(RTM.NEWLINK, CREATE_ONLY);
      newLink(writer, operation.link);
      break;
    case 'set-link':
      begin(RTM.SETLINK, 0);
      setLink(writer, operation);
      break;
    case 'delete-link':
      begin(RTM.DELLINK, 0);
      linkHeader(writer, { index: operation.index });
      break;
    case 'put-address':
      begin(RTM.NEWADDR, PUT);
      linkAddress(writer, operation.address);
      break;
    case 'delete-address':
      begin(RTM.DELADDR, 0);
      linkAddress(writer, operation.address);
      break;
    case 'put-route':
      begin(RTM.NEWROUTE, PUT);
      route(writer, operation.route, 'exact');
      break;
    case 'delete-route':
      begin(RTM.DELROUTE, 0);
      route(writer, operation.route, 'matching');
      break;
    case 'put-neighbour':
      begin(RTM.NEWNEIGH, PUT);
      neighbour(writer, operation.neighbour);
      break;
    case 'delete-neighbour':
      begin(RTM.DELNEIGH, 0);
      neighbour(writer, operation.neighbour);
      break;
    case 'put-fdb':
      begin(RTM.NEWNEIGH, PUT);
      fdbEntry(writer, operation.entry);
      break;
    case 'delete-fdb':
      begin(RTM.DELNEIGH, 0);
      fdbEntry(writer, operation.entry);
      break;
  }
  writer.end();
}

export function addressFamily(family: Family): number {
  return family === 4 ? AF.INET : AF.INET6;
}

/** struct ifinfomsg */
function linkHeader(writer: MessageWriter, link: { index?: number; up?: boolean | undefined }): void {
  writer.u8(AF.UNSPEC);
  writer.u8(0);
  writer.u16(0);
  writer.u32(link.index ?? 0);
  writer.u32(link.up ? IFF_UP : 0);
  writer.u32(link.up === undefined ? 0 : IFF_UP);
}

function newLink(writer: MessageWriter, link: NewLink): void {
  linkHeader(writer, {});
  linkAttributes(writer, link);
  if (link.kind === 'vxlan') writer.attributeU32(IFLA.LINK, link.parentIndex);
  writer.attribute(IFLA.LINKINFO | NLA_F_NESTED, () => {
    writer.attributeText(IFLA_INFO.KIND, link.kind);
    if (link.kind !== 'bridge') writer.attribute(IFLA_INFO.DATA | NLA_F_NESTED, () => linkData(writer, link));
  });
}

function linkAttributes(
  writer: MessageWriter,
  link: {
    name?: string;
    mtu?: number | undefined;
    mac?: string | undefined;
    masterIndex?: number | undefined;
  },
): void {
  if (link.name !== undefined) writer.attributeText(IFLA.IFNAME, link.name);
  if (link.mtu !== undefined) writer.attributeU32(IFLA.MTU, link.mtu);
  if (link.mac !== undefined) writer.attributeMac(IFLA.ADDRESS, link.mac);
  if (link.masterIndex !== undefined) writer.attributeU32(IFLA.MASTER, link.masterIndex);
}

function linkData(writer: MessageWriter, link: Exclude<NewLink, { kind: 'bridge' }>): void {
  if (link.kind === 'veth') {
    writer.attribute(VETH_INFO_PEER | NLA_F_NESTED, () => {
      linkHeader(writer, {});
      linkAttributes(writer, { name: link.peerName, mtu: link.mtu });
    });
    return;
  }
  writer.attributeU32(IFLA_VXLAN.ID, link.vni);
  writer.attributeU32(IFLA_VXLAN.LINK, link.parentIndex);
  writer.attributeU16BE(IFLA_VXLAN.PORT, link.port);
  writer.attributeU8(IFLA_VXLAN.LEARNING, link.learning ? 1 : 0);
  if (link.local) {
    writer.attributeAddress(link.local.family === 4 ? IFLA_VXLAN.LOCAL : IFLA_VXLAN.LOCAL6, link.local);
  }
  if (link.gbp) writer.attribute(IFLA_VXLAN.GBP, () => undefined);
}

function setLink(writer: MessageWriter, operation: Extract<Operation, { op: 'set-link' }>): void {
  linkHeader(writer, operation);
  linkAttributes(writer, operation);
}

/** struct ifaddrmsg */
function linkAddress(writer: MessageWriter, { address, prefixLength, scope, linkIndex }: LinkAddress): void {
  writer.u8(addressFamily(address.family));
  writer.u8(prefixLength);
  writer.u8(0);
  writer.u8(RT_SCOPE[scope]);
  writer.u32(linkIndex);
  writer.attributeAddress(IFA.LOCAL, address);
  writer.attributeAddress(IFA.ADDRESS, address);
}

/** struct rtmsg. To delete, a route is matched by destination, next hop and metric, whoever installed it. */
function route(writer: MessageWriter, value: Route, match: 'exact' | 'matching'): void {
  const { destination } = value;
  writer.u8(addressFamily(destination.family));
  writer.u8(destination.length);
  writer.u8(0);
  writer.u8(0);
  writer.u8(value.table < 256 ? value.table : RT_TABLE_COMPAT);
  writer.u8(match === 'exact' ? value.protocol : 0);
  writer.u8(match === 'exact' ? RT_SCOPE[value.scope] : RT_SCOPE.nowhere);
  writer.u8(match === 'exact' ? routeType(value.kind) : RTN.UNSPEC);
  writer.u32(value.onlink && match === 'exact' ? RTNH_F_ONLINK : 0);
  writer.attributeAddress(RTA.DST, destination.network);
  writer.attributeU32(RTA.TABLE, value.table);
  if (value.linkIndex !== undefined) writer.attributeU32(RTA.OIF, value.linkIndex);
  if (value.gateway) writer.attributeAddress(RTA.GATEWAY, value.gateway);
  if (value.metric !== undefined) writer.attributeU32(RTA.PRIORITY, value.metric);
  if (value.source && match === 'exact') writer.attributeAddress(RTA.PREFSRC, value.source);
}

function routeType(kind: Route['kind']): number {
  const types: Readonly<Partial<Record<Route['kind'], number>>> = {
    unicast: RTN.UNICAST,
    local: RTN.LOCAL,
    broadcast: RTN.BROADCAST,
    multicast: RTN.MULTICAST,
    blackhole: RTN.BLACKHOLE,
  };
  return types[kind] ?? RTN.UNSPEC;
}

/** struct ndmsg */
function neighbourHeader(
  writer: MessageWriter,
  family: number,
  linkIndex: number,
  state: number,
  flags: number,
): void {
  writer.u8(family);
  writer.u8(0);
  writer.u16(0);
  writer.u32(linkIndex);
  writer.u16(state);
  writer.u8(flags);
  writer.u8(0);
}

function neighbour(writer: MessageWriter, { linkIndex, address, mac, permanent }: Neighbour): void {
  neighbourHeader(writer, addressFamily(address.family), linkIndex, permanent ? NUD.PERMANENT : 0, 0);
  writer.attributeAddress(NDA.DST, address);
  if (mac) writer.attributeMac(NDA.LLADDR, mac);
}

function fdbEntry(writer: MessageWriter, { linkIndex, mac, destination, permanent }: FdbEntry): void {
  neighbourHeader(writer, AF.BRIDGE, linkIndex, permanent ? NUD.PERMANENT : NUD.NOARP, NTF_SELF);
  writer.attributeMac(NDA.LLADDR, mac);
  if (destination) writeDestination(writer, destination);
}

function writeDestination(writer: MessageWriter, destination: Address): void {
  writer.attributeAddress(NDA.DST, destination);
}
