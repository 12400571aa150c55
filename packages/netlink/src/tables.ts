import { decodeAddress } from './codec/address.ts';
import { familyNumber } from './codec/family.ts';
import { decodeLink } from './codec/link.ts';
import { decodeFdbEntry, decodeNeighbour } from './codec/neighbour.ts';
import { decodeRoute } from './codec/route.ts';
import { AF, NDA, RTA, RTM, RTN } from './constants.ts';
import type { RawMessage } from './message-reader.ts';
import type { MessageWriter } from './message-writer.ts';
import type { DumpFilter, FdbEntry, Link, LinkAddress, Neighbour, Route } from './objects.ts';

/** A table of the kernel that can be dumped. The kernel filters (NETLINK_GET_STRICT_CHK). */
export interface Table<T> {
  /** What asks for it in the words of `ip`. */
  readonly name: string;
  readonly request: number;
  /** Writes the header of the type, with the filter in it. */
  readonly header: (writer: MessageWriter, filter: DumpFilter) => void;
  /** `undefined` for what this package does not know: a newer kernel must not break an older reader. */
  readonly decode: (message: RawMessage) => T | undefined;
}

/** struct ifinfomsg */
export const LINKS: Table<Link> = {
  name: 'link show',
  request: RTM.GETLINK,
  header: (writer) => writer.zeros(16),
  decode: decodeLink,
};

/** struct ifaddrmsg, filtered by its index */
export const ADDRESSES: Table<LinkAddress> = {
  name: 'address show',
  request: RTM.GETADDR,
  header(writer, { family, linkIndex = 0 }) {
    writer.u8(family ? familyNumber(family) : AF.UNSPEC);
    writer.zeros(3);
    writer.u32(linkIndex);
  },
  decode: decodeAddress,
};

/** struct rtmsg, filtered by its kind and by RTA_OIF */
export const ROUTES: Table<Route> = {
  name: 'route show table all',
  request: RTM.GETROUTE,
  header(writer, { family, linkIndex, kind }) {
    writer.u8(family ? familyNumber(family) : AF.UNSPEC);
    writer.zeros(6);
    writer.u8(kind ? RTN[kind] : 0);
    writer.zeros(4);
    if (linkIndex !== undefined) writer.attributeU32(RTA.OIF, linkIndex);
  },
  decode: decodeRoute,
};

/** struct ndmsg, filtered by NDA_IFINDEX */
export const NEIGHBOURS: Table<Neighbour> = {
  name: 'neighbour show',
  request: RTM.GETNEIGH,
  header(writer, { family, linkIndex }) {
    writer.u8(family ? familyNumber(family) : AF.UNSPEC);
    writer.zeros(11);
    if (linkIndex !== undefined) writer.attributeU32(NDA.IFINDEX, linkIndex);
  },
  decode: decodeNeighbour,
};

/** struct ndmsg of AF_BRIDGE, filtered by its index */
export const FDB: Table<FdbEntry> = {
  name: 'fdb show',
  request: RTM.GETNEIGH,
  header(writer, { linkIndex = 0 }) {
    writer.u8(AF.BRIDGE);
    writer.zeros(3);
    writer.u32(linkIndex);
    writer.zeros(4);
  },
  decode: decodeFdbEntry,
};
