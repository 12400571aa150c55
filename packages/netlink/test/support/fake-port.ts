import type { NetlinkPort, SystemError } from '@flannel-ts/native';

/** A netlink socket whose kernel is the test. */
export class FakePort implements NetlinkPort {
  readonly sent: Buffer[] = [];
  closed = false;
  /** Called with every datagram; answers with {@link FakePort.deliver}. */
  kernel: (datagram: Buffer, port: FakePort) => void = () => undefined;
  #onDatagram: (datagram: Uint8Array) => void = () => undefined;
  #onError: (error: SystemError) => void = () => undefined;

  send(datagram: Uint8Array): void {
    const copy = Buffer.from(datagram);
    this.sent.push(copy);
    this.kernel(copy, this);
  }

  listen(onDatagram: (datagram: Uint8Array) => void, onError: (error: SystemError) => void): void {
    this.#onDatagram = onDatagram;
    this.#onError = onError;
  }

  close(): void {
    this.closed = true;
  }

  deliver(...messages: Uint8Array[]): void {
    this.#onDatagram(Buffer.concat(messages));
  }

  fail(code: string): void {
    this.#onError(systemError(code));
  }

  [Symbol.dispose](): void {
    this.close();
  }
}

export function systemError(code: string): SystemError {
  return Object.assign(new Error(code), { code, errno: 1, syscall: 'test' });
}
