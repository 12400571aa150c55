import { readAnswer } from './answers.ts';
import { NLM_F, NLMSG } from './constants.ts';
import { describeOperation } from './describe-operation.ts';
import { encodeOperation, LARGEST_OPERATION_BYTES } from './encode-operation.ts';
import type { NetlinkError } from './errors.ts';
import type { Exchange } from './exchange.ts';
import { MessageWriter } from './message-writer.ts';
import type { Operation } from './operations.ts';

/**
 * Operations of one datagram. It fits the send buffer, and should all of them fail, then their error
 * messages fit the receive buffer that a process without privileges has.
 */
const OPERATIONS_PER_DATAGRAM = 256;

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
  const largest = Math.min(operations.length, OPERATIONS_PER_DATAGRAM);
  const writer = new MessageWriter(largest * LARGEST_OPERATION_BYTES);
  for (let start = 0; start < operations.length; start += OPERATIONS_PER_DATAGRAM) {
    const part = operations.slice(start, start + OPERATIONS_PER_DATAGRAM);
    const numbers = exchange.number(part.length);
    writer.reset();
    part.forEach((operation, index) => encodeOperation(writer, operation, numbers.first + index));
    writer.addFlags(NLM_F.ACK);
    await exchange.converse(writer.datagram(), numbers, (message) => {
      if (message.type !== NLMSG.ERROR) return false;
      const index = message.sequence - numbers.first;
      results[start + index] = readAnswer(message, () => describeOperation(part[index]!));
      return message.sequence === numbers.last;
    });
  }
  return results;
}
