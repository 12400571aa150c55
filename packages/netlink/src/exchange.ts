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

export function createExchange(port: NetlinkPort): Exchange {
  let current: Conversation | undefined;
  let turn: Promise<unknown> = Promise.resolve();
  let nextNumber = 1;

  port.listen(
    (datagram) => {
      for (const message of readMessages(datagram)) deliver(message);
    },
    (error) => finish()?.reject(error),
  );

  function deliver(message: RawMessage): void {
    if (!current || message.sequence < current.numbers.first || message.sequence > current.numbers.last)
      return;
    if (current.onMessage(message)) finish()?.resolve();
  }

  function finish(): Conversation | undefined {
    const finished = current;
    current = undefined;
    return finished;
  }

  function converse(
    datagram: Uint8Array,
    numbers: Numbers,
    onMessage: Conversation['onMessage'],
  ): Promise<void> {
    return new Promise((resolve, reject) => {
      current = { numbers, onMessage, resolve, reject };
      try {
        port.send(datagram);
      } catch (error) {
        finish()?.reject(error as Error);
      }
    });
  }

  return {
    number(count) {
      const first = nextNumber;
      nextNumber += count;
      return { first, last: nextNumber - 1 };
    },
    converse(...request) {
      const result = turn.then(() => converse(...request));
      turn = result.catch(() => undefined);
      return result;
    },
    [Symbol.dispose]() {
      finish()?.reject(new Error('the netlink connection was closed'));
      port.close();
    },
  };
}
