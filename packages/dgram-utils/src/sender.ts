import type { Socket } from 'node:dgram';
import type { Endpoint } from './endpoint.ts';
import { MessageTooBigError, SocketClosedError, type SocketError } from './errors.ts';
import type { BatchResult, OutgoingDatagram } from './socket.ts';
import { toSocketError } from './to-socket-error.ts';

type SendError = SocketError | SocketClosedError;

/** Sends through a socket of Node's, and counts. On a connected socket every datagram is addressed to the peer. */
export class Sender {
  readonly #socket: Socket;
  readonly #connected: boolean;
  readonly #maxPayload: number;
  readonly #takeError: () => SocketError | undefined;
  #sent = 0;
  #failed = 0;
  #closed: { readonly reason: unknown } | undefined;

  /**
   * @param options.maxPayload - bytes that a datagram may have, beside what the kernel allows
   * @param options.takeError - what the kernel reported on an earlier datagram, if nobody has read it
   */
  constructor(
    socket: Socket,
    options: {
      readonly connected: boolean;
      readonly maxPayload: number;
      readonly takeError: () => SocketError | undefined;
    },
  ) {
    this.#socket = socket;
    this.#connected = options.connected;
    this.#maxPayload = options.maxPayload;
    this.#takeError = options.takeError;
  }

  get counts() {
    return { sent: this.#sent, failed: this.#failed };
  }

  /** Sends nothing more. @param reason - of the signal that aborted */
  close(reason: unknown): void {
    this.#closed ??= { reason };
  }

  send(outgoing: OutgoingDatagram): Promise<void> {
    return new Promise((resolve, reject) => {
      this.#transmit(outgoing, (error) => (error ? reject(error) : resolve()));
    });
  }

  sendBatch(batch: readonly OutgoingDatagram[]): Promise<BatchResult> {
    const { promise, resolve } = Promise.withResolvers<BatchResult>();
    const failures: { index: number; error: SendError }[] = [];
    let waiting = batch.length;
    const finish = () => {
      failures.sort((one, other) => one.index - other.index);
      resolve({ sent: batch.length - failures.length, failures });
    };
    for (const [index, outgoing] of batch.entries()) {
      this.#transmit(outgoing, (error) => {
        if (error) failures.push({ index, error });
        if (--waiting === 0) finish();
      });
    }
    if (batch.length === 0) finish();
    return promise;
  }

  #transmit({ data, to }: OutgoingDatagram, done: (error?: SendError) => void): void {
    const settle = (error?: SendError) => {
      if (error) this.#failed++;
      else this.#sent++;
      done(error);
    };
    const refusal = this.#refuse(data, to);
    if (refusal) {
      settle(refusal);
      return;
    }
    const onSent = (error: Error | null) => settle(error ? this.#explain(error, to, data.length) : undefined);
    if (this.#connected) this.#socket.send(data, onSent);
    else this.#socket.send(data, to.port, to.address, onSent);
  }

  #refuse({ length: size }: Uint8Array, to: Endpoint): SendError | undefined {
    if (this.#closed) return this.#closedError();
    if (size <= this.#maxPayload) return this.#takeError();
    const failure = { code: 'EMSGSIZE', syscall: 'send', address: to.address, port: to.port } as const;
    return new MessageTooBigError(failure, { size, limit: this.#maxPayload });
  }

  /** Node cancels what waits for room in the send buffer when the socket is closed. */
  #explain(cause: NodeJS.ErrnoException, to: Endpoint, size: number): SendError {
    return cause.code === 'ECANCELED' ? this.#closedError() : toSocketError('send', to, cause, size);
  }

  #closedError(): SocketClosedError {
    const reason = this.#closed?.reason;
    return new SocketClosedError(reason === undefined ? {} : { cause: reason });
  }
}
