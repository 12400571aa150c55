import type { Address } from '@flannel-ts/ip';
import { readAnswer } from './answers.ts';
import { AF, NDA, NLM_F, NLMSG, RTA, RTM } from './constants.ts';
import { addressFamily } from './encode-operation.ts';
import type { Exchange } from './exchange.ts';
import type { RawMessage } from './message-reader.ts';
import { MessageWriter } from './message-writer.ts';
import type { DumpFilter } from './objects.ts';

/** A table of the kernel that can be dumped: how it is asked for, in the words of `ip`. */
export interface Table {
  readonly name: string;
  readonly type: number;
  readonly header: (writer: MessageWriter, filter: DumpFilter) => void;
}

/** struct ifinfomsg */
export const LINKS: Table = {
  name: 'link show',
  type: RTM.GETLINK,
  header: (writer) => zeros(writer, 16),
};

/** struct ifaddrmsg, filtered by its index */
export const ADDRESSES: Table = {
  name: 'address show',
  type: RTM.GETADDR,
  header(writer, { family, linkIndex = 0 }) {
    writer.u8(family ? addressFamily(family) : AF.UNSPEC);
    zeros(writer, 3);
    writer.u32(linkIndex);
  },
};

/** struct rtmsg, filtered by RTA_OIF */
export const ROUTES: Table = {
  name: 'route show table all',
  type: RTM.GETROUTE,
  header(writer, { family, linkIndex }) {
    writer.u8(family ? addressFamily(family) : AF.UNSPEC);
    zeros(writer, 11);
    if (linkIndex !== undefined) writer.attributeU32(RTA.OIF, linkIndex);
  },
};

/** struct ndmsg, filtered by NDA_IFINDEX */
export const NEIGHBOURS: Table = {
  name: 'neighbour show',
  type: RTM.GETNEIGH,
  header(writer, { family, linkIndex }) {
    writer.u8(family ? addressFamily(family) : AF.UNSPEC);
    zeros(writer, 11);
    if (linkIndex !== undefined) writer.attributeU32(NDA.IFINDEX, linkIndex);
  },
};

/** struct ndmsg of AF_BRIDGE, filtered by its index */
export const FDB: Table = {
  name: 'fdb show',
  type: RTM.GETNEIGH,
  header(writer, { linkIndex = 0 }) {
    writer.u8(AF.BRIDGE);
    zeros(writer, 3);
    writer.u32(linkIndex);
    zeros(writer, 4);
  },
};

/** A dump that changes kept interrupting is repeated this often before it is taken as it is. */
const ATTEMPTS = 5;

/**
 * Dumps a table. A dump that the kernel marks as interrupted by a change (NLM_F_DUMP_INTR) is repeated.
 * @throws {NetlinkError}
 */
export async function dump<T>(
  exchange: Exchange,
  table: Table,
  filter: DumpFilter,
  decode: (message: RawMessage) => T | undefined,
): Promise<T[]> {
  for (let attempt = 1; ; attempt++) {
    const { items, interrupted } = await dumpOnce(exchange, table, filter, decode);
    if (!interrupted || attempt === ATTEMPTS) return items;
  }
}

async function dumpOnce<T>(
  exchange: Exchange,
  table: Table,
  filter: DumpFilter,
  decode: (message: RawMessage) => T | undefined,
): Promise<{ items: T[]; interrupted: boolean }> {
  const numbers = exchange.number(1);
  const writer = new MessageWriter(64);
  writer.begin(table.type, NLM_F.REQUEST | NLM_F.DUMP, numbers.first);
  table.header(writer, filter);
  writer.end();
  const items: T[] = [];
  let interrupted = false;
  let failure: Error | undefined;
  await exchange.converse(writer.datagram(), numbers, (message) => {
    if (message.flags & NLM_F.DUMP_INTR) interrupted = true;
    if (message.type === NLMSG.DONE || message.type === NLMSG.ERROR) {
      failure = readAnswer(message, () => table.name);
      return true;
    }
    const item = decode(message);
    if (item) items.push(item);
    return false;
  });
  if (failure) throw failure;
  return { items, interrupted };
}

/** Asks for the route to one address (RTM_GETROUTE without dump). @throws {NetlinkError} */
export async function lookUpRoute(exchange: Exchange, destination: Address): Promise<RawMessage> {
  const numbers = exchange.number(1);
  const writer = new MessageWriter(64);
  writer.begin(RTM.GETROUTE, NLM_F.REQUEST, numbers.first);
  writer.u8(addressFamily(destination.family));
  writer.u8(destination.family === 4 ? 32 : 128);
  zeros(writer, 10);
  writer.attributeAddress(RTA.DST, destination);
  writer.end();
  let answer: RawMessage | undefined;
  let failure: Error | undefined;
  await exchange.converse(writer.datagram(), numbers, (message) => {
    if (message.type === NLMSG.ERROR)
      failure = readAnswer(message, () => `route get ${destination.toString()}`);
    else answer = message;
    return true;
  });
  if (failure || !answer)
    throw failure ?? new Error('the kernel acknowledged a route lookup without a route');
  return answer;
}

function zeros(writer: MessageWriter, count: number): void {
  for (let index = 0; index < count; index++) writer.u8(0);
}
