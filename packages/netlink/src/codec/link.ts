import { AF, IFF_UP, IFLA, IFLA_INFO, IFLA_VXLAN, NLA_F_NESTED, VETH_INFO_PEER } from '../constants.ts';
import { Attributes, type RawMessage } from '../message-reader.ts';
import type { MessageWriter } from '../message-writer.ts';
import type { Link } from '../objects.ts';
import type { NewLink, Operation } from '../operations.ts';
import { decodeDetail } from './link-detail.ts';

/**
 * struct ifinfomsg (linux/rtnetlink.h), then IFLA_ attributes:
 *
 *      0        1        2        3
 *     +--------+--------+--------+--------+
 *     | family | 0      | device type     |
 *     | index                             |
 *     | flags: IFF_UP …                   |
 *     | change: which flags are meant     |
 *     +--------+--------+--------+--------+
 */
const HEADER = 16;

export function decodeLink({ body }: RawMessage): Link | undefined {
  if (body.length < HEADER || body.readUInt8(0) !== AF.UNSPEC) return undefined;
  const attributes = new Attributes(body, HEADER);
  const info = attributes.nested(IFLA.LINKINFO);
  return {
    index: body.readUInt32LE(4),
    name: attributes.text(IFLA.IFNAME) ?? '',
    mtu: attributes.u32(IFLA.MTU) ?? 0,
    up: (body.readUInt32LE(8) & IFF_UP) !== 0,
    mac: attributes.mac(IFLA.ADDRESS),
    // A VXLAN device names its underlay link among its own attributes.
    parentIndex: attributes.u32(IFLA.LINK) ?? info?.nested(IFLA_INFO.DATA)?.u32(IFLA_VXLAN.LINK),
    masterIndex: attributes.u32(IFLA.MASTER),
    detail: decodeDetail(info),
  };
}

export function writeNewLink(writer: MessageWriter, link: NewLink): void {
  writeHeader(writer, 0);
  writeSettings(writer, link);
  if (link.kind === 'vxlan' && link.parentIndex !== undefined)
    writer.attributeU32(IFLA.LINK, link.parentIndex);
  writer.attribute(IFLA.LINKINFO | NLA_F_NESTED, () => {
    writer.attributeText(IFLA_INFO.KIND, link.kind);
    if (link.kind !== 'bridge')
      writer.attribute(IFLA_INFO.DATA | NLA_F_NESTED, () => writeData(writer, link));
  });
}

export function writeLinkChange(writer: MessageWriter, change: Extract<Operation, { op: 'set-link' }>): void {
  writeHeader(writer, change.index, change.up);
  writeSettings(writer, change);
}

export function writeLinkIndex(writer: MessageWriter, index: number): void {
  writeHeader(writer, index);
}

function writeHeader(writer: MessageWriter, index: number, up?: boolean): void {
  writer.u8(AF.UNSPEC);
  writer.zeros(3);
  writer.u32(index);
  writer.u32(up ? IFF_UP : 0);
  writer.u32(up === undefined ? 0 : IFF_UP);
}

interface Settings {
  readonly name?: string;
  readonly mtu?: number | undefined;
  readonly mac?: string | undefined;
  readonly masterIndex?: number;
  readonly alias?: string;
}

function writeSettings(writer: MessageWriter, { name, mtu, mac, masterIndex, alias }: Settings): void {
  if (name !== undefined) writer.attributeText(IFLA.IFNAME, name);
  if (mtu !== undefined) writer.attributeU32(IFLA.MTU, mtu);
  if (mac !== undefined) writer.attributeMac(IFLA.ADDRESS, mac);
  if (masterIndex !== undefined) writer.attributeU32(IFLA.MASTER, masterIndex);
  if (alias !== undefined) writer.attributeText(IFLA.IFALIAS, alias);
}

/** IFLA_INFO_DATA: the IFLA_VXLAN_ attributes, or the other end of a veth pair as a link of its own. */
function writeData(writer: MessageWriter, link: Exclude<NewLink, { kind: 'bridge' }>): void {
  if (link.kind === 'veth') {
    writer.attribute(VETH_INFO_PEER | NLA_F_NESTED, () => {
      writeHeader(writer, 0);
      writeSettings(writer, { name: link.peerName, mtu: link.mtu });
    });
    return;
  }
  writer.attributeU32(IFLA_VXLAN.ID, link.vni);
  if (link.parentIndex !== undefined) writer.attributeU32(IFLA_VXLAN.LINK, link.parentIndex);
  writer.attributeU16BE(IFLA_VXLAN.PORT, link.port);
  writer.attributeU8(IFLA_VXLAN.LEARNING, link.learning ? 1 : 0);
  if (link.local) {
    writer.attributeAddress(link.local.family === 4 ? IFLA_VXLAN.LOCAL : IFLA_VXLAN.LOCAL6, link.local);
  }
  if (link.gbp) writer.attributeFlag(IFLA_VXLAN.GBP);
}
