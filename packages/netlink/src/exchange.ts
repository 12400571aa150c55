import type { NetlinkPort } from '@flannel-ts/native';
import { readMessages, type RawMessage } from './message-reader.ts';

/** A socket that carries one request with its answers at a time; further requests wait their turn. */
export interface Exchange extends Disposable {
  /**
   * Sends one datagram of messages numbered `first` to `last` and hands over the answers to those numbers
   * until `onMessage` returns true.
   * @throws {SystemError} when sending fails, or the kernel dropped answers (ENOBUFS)
   */
  converse(
    datagram: Uint8Array,
    numbers: Numbers,
    onMessage: (message: RawMessage) => boolean,
  ): Promise<void>;
  /** Reserves `count` message numbers. */
  number(count: number): Numbers;
}

/** Message numbers from `first` to `last`, inclusive. */
export interface Numbers {
  readonly first: number;
  readonly last: number;
}

interface Conversation {
  readonly numbers: Numbers;
  readonly onMessage: (message: RawMessage) => boolean;
  readonly resolve: () => void;
  readonly reject: (error: Error) => void;
}

const LAST_NUMBER = 0xffffffff;

export function createExchange(port: NetlinkPort): Exchange {
  let current: Conversation | undefined;
  let turn: Promise<unknown> = Promise.resolve();
  let nextNumber = 1;
  let closed = false;

  port.listen(
    (datagram) => {
      for (const message of readMessages(datagram)) deliver(message);
    },
    (error) => finish()?.reject(error),
  );

  /** Answers of another number belong to a conversation that failed. */
  function deliver(message: RawMessage): void {
    if (!current) return;
    const { first, last } = current.numbers;
    if (message.sequence < first || message.sequence > last) return;
    if (current.onMessage(message)) finish()?.resolve();
  }

  function finish(): Conversation | undefined {
    const finished = current;
    current = undefined;
    return finished;
  }

  function begin(
    datagram: Uint8Array,
    numbers: Numbers,
    onMessage: Conversation['onMessage'],
  ): Promise<void> {
    if (closed) throw closedError();
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    current = { numbers, onMessage, resolve, reject };
    try {
      port.send(datagram);
    } catch (error) {
      finish()?.reject(error as Error);
    }
    return promise;
  }

  return {
    number(count) {
      if (nextNumber + count > LAST_NUMBER) nextNumber = 1;
      const first = nextNumber;
      nextNumber += count;
      return { first, last: nextNumber - 1 };
    },
    converse(...request) {
      const result = turn.then(() => begin(...request));
      turn = result.catch(() => undefined);
      return result;
    },
    [Symbol.dispose]() {
      closed = true;
      finish()?.reject(closedError());
      port.close();
    },
  };
}

function closedError(): Error {
  return new Error('the netlink connection is closed');
}
