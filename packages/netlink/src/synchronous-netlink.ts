import { openNetlinkExchange } from '@flannel-ts/native';
import { readAnswer } from './answers.ts';
import { NETLINK_ROUTE, NLM_F } from './constants.ts';
import { describeOperation } from './describe-operation.ts';
import { encodeOperation, LARGEST_OPERATION_BYTES } from './encode-operation.ts';
import { findLink, type FoundLink } from './find-link.ts';
import { readMessages } from './message-reader.ts';
import { MessageWriter } from './message-writer.ts';
import type { Operation } from './operations.ts';

/** A connection to the kernel's routing netlink of one network namespace, for code that must be synchronous. */
export interface SynchronousNetlink extends Disposable {
  /** Carries out one operation before it returns. @throws {NetlinkError} */
  request(operation: Operation): void;
  /** Finds a link by its name. @throws {NetlinkError} */
  findLink(name: string): FoundLink | undefined;
}

/** Opens a connection in this thread's network namespace. @throws {SystemError} */
export function openSynchronousNetlink(): SynchronousNetlink {
  const port = openNetlinkExchange(NETLINK_ROUTE);
  const writer = new MessageWriter(LARGEST_OPERATION_BYTES);
  let sequence = 0;
  return {
    request(operation) {
      writer.reset();
      encodeOperation(writer, operation, ++sequence);
      writer.addFlags(NLM_F.ACK);
      for (const message of readMessages(port.exchange(writer.datagram()))) {
        const error = readAnswer(message, () => describeOperation(operation));
        if (error) throw error;
      }
    },
    findLink: (name) => findLink(port, name, ++sequence),
    [Symbol.dispose]: () => port[Symbol.dispose](),
  };
}
