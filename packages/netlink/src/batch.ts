import { readAnswer } from './answers.ts';
import { NLM_F, NLMSG } from './constants.ts';
import { describeOperation } from './describe-operation.ts';
import { encodeOperation } from './encode-operation.ts';
import type { NetlinkError } from './errors.ts';
import type { Exchange } from './exchange.ts';
import { MessageWriter } from './message-writer.ts';
import type { Operation } from './objects.ts';

/** Bytes of one datagram of operations: far more than the largest operation, less than a socket's send buffer. */
const DATAGRAM_BYTES = 64 * 1024;
const LARGEST_OPERATION_BYTES = 512;
/** Operations of one datagram: should all fail, their error messages still fit the receive buffer. */
const OPERATIONS_PER_DATAGRAM = 1024;

/**
 * Carries out operations in order, many per datagram. The kernel works through a datagram in order and
 * reports every failure, so that only the last message asks for an acknowledgement: when that arrives,
 * whatever has not failed has been done.
 */
export async function runBatch(
  exchange: Exchange,
  operations: readonly Operation[],
): Promise<readonly (NetlinkError | undefined)[]> {
  const results = new Array<NetlinkError | undefined>(operations.length).fill(undefined);
  const writer = new MessageWriter(DATAGRAM_BYTES);
  for (let start = 0; start < operations.length;) {
    const end = Math.min(operations.length, start + OPERATIONS_PER_DATAGRAM);
    const base = start;
    const numbers = exchange.number(end - start);
    writer.reset();
    for (; start < end && writer.length < DATAGRAM_BYTES - LARGEST_OPERATION_BYTES; start++) {
      encodeOperation(writer, operations[start]!, numbers.first + start - base);
    }
    writer.addFlags(NLM_F.ACK);
    const last = numbers.first + start - 1 - base;
    await exchange.converse(writer.datagram(), { first: numbers.first, last }, (message) => {
      if (message.type !== NLMSG.ERROR) return false;
      const index = base + message.sequence - numbers.first;
      results[index] = readAnswer(message, () => describeOperation(operations[index]!));
      return message.sequence === last;
    });
  }
  return results;
}
