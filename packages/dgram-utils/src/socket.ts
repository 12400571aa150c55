import type { Endpoint } from './endpoint.ts';
import type { SocketClosedError, SocketError } from './errors.ts';

/** A datagram that was received. Its bytes belong to the reader. */
export interface Datagram {
  readonly data: Uint8Array;
  readonly from: Endpoint;
}

/** A datagram to be sent. */
export interface OutgoingDatagram {
  readonly data: Uint8Array;
  readonly to: Endpoint;
}

/** What became of the datagrams of a batch. */
export interface BatchResult {
  /** How many the kernel took. */
  readonly sent: number;
  /** The others, by their index in the batch, ascending. */
  readonly failures: readonly { readonly index: number; readonly error: SocketError | SocketClosedError }[];
}

/** Datagrams since the socket was opened. `received` is the sum of `delivered`, `dropped` and `queued`. */
export interface SocketStats {
  /** What Node read. The kernel drops by itself when its buffer is full, and counts that in /proc/net/udp. */
  readonly received: number;
  /** Handed to a reader. */
  readonly delivered: number;
  /** Came while the queue was full, or were queued when the socket was closed. */
  readonly dropped: number;
  /** Wait for a reader now. */
  readonly queued: number;
  /** Taken by the kernel. */
  readonly sent: number;
  /** Sends that were rejected. */
  readonly failed: number;
}

/**
 * What every open socket does. It keeps the process alive until it is closed.
 *
 * Iterating yields datagrams as they come, those first that came before, and ends when the socket is closed. Leaving
 * the loop leaves the socket open; a later loop goes on. Loops at the same time share: each datagram goes to one.
 */
export interface BoundSocket extends AsyncDisposable, AsyncIterable<Datagram> {
  /** Where it is bound, with the port that the kernel chose. */
  readonly local: Endpoint;
  /** Bytes of the kernel's receive buffer: Linux doubles what is asked for, and caps it at net.core.rmem_max. */
  readonly recvBufferSize: number;
  /** Bytes of the kernel's send buffer, capped at net.core.wmem_max. */
  readonly sendBufferSize: number;
  stats(): SocketStats;
  /**
   * Closes the socket, which frees its port at once, and ends iterations without an error. Sends that wait reject
   * with a {@link SocketClosedError}. May be repeated.
   */
  close(): Promise<void>;
}

/** A socket that sends to anybody and receives from anybody. */
export interface UdpSocket extends BoundSocket {
  /**
   * Sends one datagram. Resolves when the kernel has taken it, which waits while the send buffer is full; leave the
   * bytes alone until then.
   * @throws {SocketError} one of its kinds
   * @throws {SocketClosedError}
   * @throws {RangeError} when `to` is no address of the socket's family with a port
   */
  send(data: Uint8Array, to: Endpoint): Promise<void>;
  /**
   * Sends datagrams in order, in one turn of the event loop and with one promise; each is one system call. One that
   * fails does not stop the others.
   * @throws {RangeError} as for `send`; then none was sent
   */
  sendBatch(batch: readonly OutgoingDatagram[]): Promise<BatchResult>;
}

/**
 * A socket with one peer: the kernel passes on only what comes from there, and what others say of datagrams sent when
 * Linux takes it for final: nobody listens, a firewall refuses ({@link UnreachableError}, over IPv6 a
 * {@link PermissionError}), a router finds it too big ({@link MessageTooBigError}). That is thrown to the reader who
 * waits, or else to the next read or send, once; that send has sent nothing. The socket stays open; iterate again to go
 * on. A peer that is gone, or a network that is down, is silence.
 */
export interface ConnectedSocket extends BoundSocket {
  readonly remote: Endpoint;
  /** As {@link UdpSocket.send}, to the peer. */
  send(data: Uint8Array): Promise<void>;
  /** As {@link UdpSocket.sendBatch}, to the peer. */
  sendBatch(batch: readonly Uint8Array[]): Promise<BatchResult>;
}
