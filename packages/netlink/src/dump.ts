import { readAnswer } from './answers.ts';
import { NLM_F, NLMSG } from './constants.ts';
import type { Exchange } from './exchange.ts';
import { MessageWriter } from './message-writer.ts';
import type { DumpFilter } from './objects.ts';
import type { Table } from './tables.ts';

/** A dump that changes keep interrupting is repeated this often before it is taken as it is. */
const ATTEMPTS = 5;
/** Header, the header of the type, one filter attribute. */
const REQUEST_BYTES = 64;

/**
 * Reads a table. A dump that the kernel marks as interrupted by a change (NLM_F_DUMP_INTR) is repeated.
 * @throws {NetlinkError}
 */
export async function dump<T>(exchange: Exchange, table: Table<T>, filter: DumpFilter): Promise<T[]> {
  for (let attempt = 1; ; attempt++) {
    const { items, interrupted } = await dumpOnce(exchange, table, filter);
    if (!interrupted || attempt === ATTEMPTS) return items;
  }
}

async function dumpOnce<T>(
  exchange: Exchange,
  table: Table<T>,
  filter: DumpFilter,
): Promise<{ items: T[]; interrupted: boolean }> {
  const numbers = exchange.number(1);
  const writer = new MessageWriter(REQUEST_BYTES);
  writer.begin(table.request, NLM_F.REQUEST | NLM_F.DUMP, numbers.first);
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
    const item = table.decode(message);
    if (item) items.push(item);
    return false;
  });
  if (failure) throw failure;
  return { items, interrupted };
}
