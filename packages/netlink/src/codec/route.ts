import { Address, familyBits, prefixOf } from '@flannel-ts/ip';
import { RTA, RTN, RTNH_F_ONLINK, RT_SCOPE, RT_TABLE_COMPAT } from '../constants.ts';
import { Attributes, type RawMessage } from '../message-reader.ts';
import type { MessageWriter } from '../message-writer.ts';
import type { Route } from '../objects.ts';
import type { NewRoute } from '../operations.ts';
import { familyNumber, familyOf } from './family.ts';
import { scopeName } from './scope.ts';

/**
 * struct rtmsg (linux/rtnetlink.h), then RTA_ attributes; RTA_TABLE holds table numbers beyond a byte:
 *
 *      0        1        2        3
 *     +--------+--------+--------+--------+
 *     | family | length | source | tos    |  prefix lengths of destination and source
 *     | table  | proto  | scope  | kind   |
 *     | flags: RTNH_F_ONLINK …            |
 *     +--------+--------+--------+--------+
 */
const HEADER = 12;
/** struct rtnexthop: length (2), flags (1), weight (1), index of the link (4), attributes. */
const NEXT_HOP_HEADER = 8;

const KINDS = new Map<number, Route['kind']>(
  Object.entries(RTN).map(([name, number]) => [number, name as keyof typeof RTN]),
);

export function decodeRoute({ body }: RawMessage): Route | undefined {
  const family = body.length < HEADER ? undefined : familyOf(body.readUInt8(0));
  if (!family) return undefined;
  const attributes = new Attributes(body, HEADER);
  const destination = attributes.address(RTA.DST) ?? new Address(family, 0n);
  const length = body.readUInt8(1);
  if (destination.family !== family || length > familyBits(family)) return undefined;
  return {
    destination: prefixOf(destination, length),
    kind: KINDS.get(body.readUInt8(7)) ?? 'other',
    ...decodeNextHop(attributes, body.readUInt32LE(8)),
    source: attributes.address(RTA.PREFSRC),
    scope: scopeName(body.readUInt8(6)),
    table: attributes.u32(RTA.TABLE) ?? body.readUInt8(4),
    protocol: body.readUInt8(5),
    metric: attributes.u32(RTA.PRIORITY),
  };
}

type NextHop = Pick<Route, 'linkIndex' | 'gateway' | 'onlink' | 'multipath'>;

/** The route's own next hop, or the first of several. */
function decodeNextHop(attributes: Attributes, flags: number): NextHop {
  const several = attributes.bytes(RTA.MULTIPATH);
  if (!several || several.length < NEXT_HOP_HEADER) {
    return {
      linkIndex: attributes.u32(RTA.OIF),
      gateway: attributes.address(RTA.GATEWAY),
      onlink: (flags & RTNH_F_ONLINK) !== 0,
      multipath: false,
    };
  }
  const first = several.subarray(0, several.readUInt16LE(0));
  return {
    linkIndex: several.readUInt32LE(4),
    gateway: new Attributes(first, NEXT_HOP_HEADER).address(RTA.GATEWAY),
    onlink: (several.readUInt8(2) & RTNH_F_ONLINK) !== 0,
    multipath: true,
  };
}

export function writeRoute(writer: MessageWriter, route: NewRoute): void {
  const { protocol, scope, kind, onlink, source } = route;
  writeHeader(writer, route, { protocol, scope: RT_SCOPE[scope], kind: RTN[kind], onlink });
  writeKey(writer, route);
  if (source) writer.attributeAddress(RTA.PREFSRC, source);
}

/** The request to delete a route: the one of this destination, next hop and metric, whoever installed it. */
export function writeRouteMatch(writer: MessageWriter, route: Route): void {
  writeHeader(writer, route, { protocol: 0, scope: RT_SCOPE.nowhere, kind: 0, onlink: false });
  writeKey(writer, route);
}

function writeHeader(
  writer: MessageWriter,
  { destination, table }: Route,
  fields: { protocol: number; scope: number; kind: number; onlink: boolean },
): void {
  writer.u8(familyNumber(destination.family));
  writer.u8(destination.length);
  writer.zeros(2);
  writer.u8(table < 256 ? table : RT_TABLE_COMPAT);
  writer.u8(fields.protocol);
  writer.u8(fields.scope);
  writer.u8(fields.kind);
  writer.u32(fields.onlink ? RTNH_F_ONLINK : 0);
}

function writeKey(writer: MessageWriter, { destination, table, linkIndex, gateway, metric }: Route): void {
  writer.attributeAddress(RTA.DST, destination.network);
  writer.attributeU32(RTA.TABLE, table);
  if (linkIndex !== undefined) writer.attributeU32(RTA.OIF, linkIndex);
  if (gateway) writer.attributeAddress(RTA.GATEWAY, gateway);
  if (metric !== undefined) writer.attributeU32(RTA.PRIORITY, metric);
}
