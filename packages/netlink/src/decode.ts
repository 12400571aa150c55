import { Address, prefixOf, type Family } from '@flannel-ts/ip';
import {
  AF,
  IFA,
  IFF_UP,
  IFLA,
  IFLA_INFO,
  IFLA_TUN_PERSIST,
  IFLA_VXLAN,
  NDA,
  NTF_SELF,
  NUD,
  RTA,
  RTM,
  RTN,
  RTNH_F_ONLINK,
  RT_SCOPE,
} from './constants.ts';
import { Attributes, type RawMessage } from './message-reader.ts';
import type {
  FdbEntry,
  KernelEvent,
  Link,
  LinkAddress,
  LinkDetail,
  Neighbour,
  Route,
  Scope,
} from './objects.ts';

// Each decoder returns `undefined` for a message that is too short or of a family that this package does
// not know, such as MPLS: a newer kernel must not break an older reader.

/** struct ifinfomsg: family, type, index, flags, change; 16 bytes. */
export function decodeLink({ body }: RawMessage): Link | undefined {
  if (body.length < 16 || body.readUInt8(0) !== AF.UNSPEC) return undefined;
  const attributes = new Attributes(body, 16);
  const info = attributes.nested(IFLA.LINKINFO);
  return {
    index: body.readInt32LE(4),
    name: attributes.text(IFLA.IFNAME) ?? '',
    mtu: attributes.u32(IFLA.MTU) ?? 0,
    up: (body.readUInt32LE(8) & IFF_UP) !== 0,
    mac: attributes.mac(IFLA.ADDRESS),
    // A VXLAN device names its underlay link among its own attributes.
    parentIndex: attributes.u32(IFLA.LINK) ?? info?.nested(IFLA_INFO.DATA)?.u32(IFLA_VXLAN.LINK),
    masterIndex: attributes.u32(IFLA.MASTER),
    detail: linkDetail(info),
  };
}

function linkDetail(info: Attributes | undefined): LinkDetail {
  const kind = info?.text(IFLA_INFO.KIND);
  const data = info?.nested(IFLA_INFO.DATA);
  switch (kind) {
    case undefined:
      return { kind: 'physical' };
    case 'bridge':
    case 'veth':
      return { kind };
    case 'tun':
      return { kind, persistent: data?.u8(IFLA_TUN_PERSIST) === 1 };
    case 'vxlan':
      return {
        kind,
        vni: data?.u32(IFLA_VXLAN.ID) ?? 0,
        port: data?.u16BE(IFLA_VXLAN.PORT) ?? 0,
        local: specified(data?.address(IFLA_VXLAN.LOCAL) ?? data?.address(IFLA_VXLAN.LOCAL6)),
        group: specified(data?.address(IFLA_VXLAN.GROUP) ?? data?.address(IFLA_VXLAN.GROUP6)),
        learning: data?.u8(IFLA_VXLAN.LEARNING) === 1,
        l2miss: data?.u8(IFLA_VXLAN.L2MISS) === 1,
        gbp: data?.has(IFLA_VXLAN.GBP) ?? false,
      };
    default:
      return { kind: 'other', name: kind };
  }
}

function specified(address: Address | undefined): Address | undefined {
  return address?.value === 0n ? undefined : address;
}

/** struct ifaddrmsg: family, prefix length, flags, scope, index; 8 bytes. */
export function decodeAddress({ body }: RawMessage): LinkAddress | undefined {
  if (body.length < 8) return undefined;
  const attributes = new Attributes(body, 8);
  const address = attributes.address(IFA.LOCAL) ?? attributes.address(IFA.ADDRESS);
  if (!address) return undefined;
  return {
    linkIndex: body.readUInt32LE(4),
    address,
    prefixLength: body.readUInt8(1),
    scope: scopeName(body.readUInt8(3)),
  };
}

/** struct rtmsg: family, lengths, tos, table, protocol, scope, type, flags; 12 bytes. */
export function decodeRoute({ body }: RawMessage): Route | undefined {
  const family = body.length < 12 ? undefined : familyOf(body.readUInt8(0));
  if (!family) return undefined;
  const attributes = new Attributes(body, 12);
  const hop = nextHop(attributes);
  const destination = attributes.address(RTA.DST) ?? new Address(family, 0n);
  return {
    destination: prefixOf(destination, body.readUInt8(1)),
    kind: routeKind(body.readUInt8(7)),
    linkIndex: hop.linkIndex,
    gateway: hop.gateway,
    source: attributes.address(RTA.PREFSRC),
    onlink: ((hop.flags ?? body.readUInt32LE(8)) & RTNH_F_ONLINK) !== 0,
    scope: scopeName(body.readUInt8(6)),
    table: attributes.u32(RTA.TABLE) ?? body.readUInt8(4),
    protocol: body.readUInt8(5),
    metric: attributes.u32(RTA.PRIORITY),
    multipath: attributes.has(RTA.MULTIPATH),
  };
}

/** The route's next hop, or the first of several (struct rtnexthop: length, flags, hops, index; 8 bytes). */
function nextHop(attributes: Attributes): { linkIndex?: number; gateway?: Address; flags?: number } {
  const several = attributes.bytes(RTA.MULTIPATH);
  const own =
    several && several.length >= 8
      ? new Attributes(several.subarray(0, several.readUInt16LE(0)), 8)
      : attributes;
  const linkIndex = several && several.length >= 8 ? several.readInt32LE(4) : attributes.u32(RTA.OIF);
  const gateway = own.address(RTA.GATEWAY);
  return {
    ...(linkIndex !== undefined && { linkIndex }),
    ...(gateway && { gateway }),
    ...(several && several.length >= 8 && { flags: several.readUInt8(2) }),
  };
}

/** struct ndmsg: family, index, state, flags, type; 12 bytes. */
export function decodeNeighbour({ body }: RawMessage): Neighbour | undefined {
  const address = body.length < 12 ? undefined : new Attributes(body, 12).address(NDA.DST);
  if (!address || !familyOf(body.readUInt8(0))) return undefined;
  return {
    linkIndex: body.readInt32LE(4),
    address,
    mac: new Attributes(body, 12).mac(NDA.LLADDR),
    permanent: (body.readUInt16LE(8) & NUD.PERMANENT) !== 0,
  };
}

/** struct ndmsg of AF_BRIDGE; only entries of the device itself, not those of a bridge above it. */
export function decodeFdbEntry({ body }: RawMessage): FdbEntry | undefined {
  if (body.length < 12 || body.readUInt8(0) !== AF.BRIDGE || (body.readUInt8(10) & NTF_SELF) === 0)
    return undefined;
  const attributes = new Attributes(body, 12);
  const mac = attributes.mac(NDA.LLADDR);
  if (!mac) return undefined;
  return {
    linkIndex: body.readInt32LE(4),
    mac,
    destination: attributes.address(NDA.DST),
    permanent: (body.readUInt16LE(8) & (NUD.PERMANENT | NUD.NOARP)) !== 0,
  };
}

/** What a multicast message reports, if this package knows it. */
export function decodeEvent(message: RawMessage): KernelEvent | undefined {
  switch (message.type) {
    case RTM.NEWLINK:
    case RTM.DELLINK: {
      const link = decodeLink(message);
      return link && { kind: 'link', change: message.type === RTM.NEWLINK ? 'put' : 'removed', link };
    }
    case RTM.NEWADDR:
    case RTM.DELADDR: {
      const address = decodeAddress(message);
      return (
        address && { kind: 'address', change: message.type === RTM.NEWADDR ? 'put' : 'removed', address }
      );
    }
    case RTM.NEWROUTE:
    case RTM.DELROUTE: {
      const route = decodeRoute(message);
      return route && { kind: 'route', change: message.type === RTM.NEWROUTE ? 'put' : 'removed', route };
    }
    case RTM.NEWNEIGH:
    case RTM.DELNEIGH: {
      const change = message.type === RTM.NEWNEIGH ? 'put' : 'removed';
      const entry = decodeFdbEntry(message);
      if (entry) return { kind: 'fdb', change, entry };
      const neighbour = decodeNeighbour(message);
      return neighbour && { kind: 'neighbour', change, neighbour };
    }
    default:
      return undefined;
  }
}

function familyOf(family: number): Family | undefined {
  return family === AF.INET ? 4 : family === AF.INET6 ? 6 : undefined;
}

function routeKind(type: number): Route['kind'] {
  const kinds: Readonly<Record<number, Route['kind']>> = {
    [RTN.UNICAST]: 'unicast',
    [RTN.LOCAL]: 'local',
    [RTN.BROADCAST]: 'broadcast',
    [RTN.MULTICAST]: 'multicast',
    [RTN.BLACKHOLE]: 'blackhole',
  };
  return kinds[type] ?? 'other';
}

/** Numbers between the named scopes are administrators' own; the nearest wider name serves. */
function scopeName(scope: number): Scope {
  if (scope >= RT_SCOPE.nowhere) return 'nowhere';
  if (scope >= RT_SCOPE.host) return 'host';
  if (scope >= RT_SCOPE.link) return 'link';
  return scope >= RT_SCOPE.site ? 'site' : 'global';
}
