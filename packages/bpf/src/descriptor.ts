import { bpfCalls } from '@flannel-ts/native';

/** No file's number: the kernel answers `EBADF`. */
const CLOSED = -1;

/**
 * A file descriptor that is closed once, however often it is disposed of: its number may be another
 * file's by then.
 */
export interface Descriptor extends Disposable {
  readonly number: number;
}

export function ownDescriptor(number: number): Descriptor {
  let current = number;
  return {
    get number() {
      return current;
    },
    [Symbol.dispose]() {
      bpfCalls().closeDescriptor(current);
      current = CLOSED;
    },
  };
}
