import { AF, NDA, NTF_SELF, NUD } from '../constants.ts';
import { Attributes, type RawMessage } from '../message-reader.ts';
import type { MessageWriter } from '../message-writer.ts';
import type { FdbEntry, Neighbour } from '../objects.ts';
import { familyNumber, familyOf } from './family.ts';

/**
 * struct ndmsg (linux/neighbour.h), then NDA_ attributes. It carries neighbours, and with the family
 * AF_BRIDGE the FDB entries of bridges and VXLAN devices:
 *
 *      0        1        2        3
 *     +--------+--------+--------+--------+
 *     | family | 0      | 0               |
 *     | index of the link                 |
 *     | state: NUD_     | flags  | kind   |
 *     +--------+--------+--------+--------+
 */
const HEADER = 12;

export function decodeNeighbour({ body }: RawMessage): Neighbour | undefined {
  if (body.length < HEADER || !familyOf(body.readUInt8(0))) return undefined;
  const attributes = new Attributes(body, HEADER);
  const address = attributes.address(NDA.DST);
  if (!address) return undefined;
  return {
    linkIndex: body.readUInt32LE(4),
    address,
    mac: attributes.mac(NDA.LLADDR),
    permanent: (body.readUInt16LE(8) & NUD.PERMANENT) !== 0,
  };
}

/** Only entries of the device itself (NTF_SELF), not those that a bridge above it holds for its port. */
export function decodeFdbEntry({ body }: RawMessage): FdbEntry | undefined {
  if (body.length < HEADER || body.readUInt8(0) !== AF.BRIDGE) return undefined;
  const attributes = new Attributes(body, HEADER);
  const mac = attributes.mac(NDA.LLADDR);
  if (!mac || (body.readUInt8(10) & NTF_SELF) === 0) return undefined;
  return {
    linkIndex: body.readUInt32LE(4),
    mac,
    destination: attributes.address(NDA.DST),
    permanent: (body.readUInt16LE(8) & (NUD.PERMANENT | NUD.NOARP)) !== 0,
  };
}

export function writeNeighbour(writer: MessageWriter, neighbour: Neighbour): void {
  const { linkIndex, address, mac, permanent } = neighbour;
  writeHeader(writer, { family: familyNumber(address.family), linkIndex, permanent, flags: 0 });
  writer.attributeAddress(NDA.DST, address);
  if (mac) writer.attributeMac(NDA.LLADDR, mac);
}

export function writeFdbEntry(writer: MessageWriter, entry: FdbEntry): void {
  const { linkIndex, mac, destination, permanent } = entry;
  writeHeader(writer, { family: AF.BRIDGE, linkIndex, permanent, flags: NTF_SELF });
  writer.attributeMac(NDA.LLADDR, mac);
  if (destination) writer.attributeAddress(NDA.DST, destination);
}

function writeHeader(
  writer: MessageWriter,
  header: { family: number; linkIndex: number; permanent: boolean; flags: number },
): void {
  writer.u8(header.family);
  writer.zeros(3);
  writer.u32(header.linkIndex);
  writer.u16(header.permanent ? NUD.PERMANENT : NUD.REACHABLE);
  writer.u8(header.flags);
  writer.u8(0);
}
