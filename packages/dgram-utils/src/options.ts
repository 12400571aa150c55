import type { Endpoint } from './endpoint.ts';

/** Options that every socket has. */
export interface CommonOptions {
  /** Closes the socket when it aborts. @default never */
  readonly signal?: AbortSignal;
  /**
   * How many datagrams, of up to 64 KiB, may wait to be read; what comes then is dropped and counted.
   * @default 1024
   */
  readonly queueLimit?: number;
  /**
   * MTU of the smallest path that the socket sends over, in bytes. A datagram that does not cross it in one piece
   * ({@link largestPayload}) is refused with a {@link MessageTooBigError}. @default none
   */
  readonly pathMtu?: number;
  /** Bytes to ask for as the kernel's receive buffer. @default net.core.rmem_default */
  readonly recvBufferSize?: number;
  /** Bytes to ask for as the kernel's send buffer. @default net.core.wmem_default */
  readonly sendBufferSize?: number;
  /** Lets sockets that all say so bind the same address and port; the last one bound receives. @default false */
  readonly reuseAddr?: boolean;
  /** An IPv6 socket at `::` leaves IPv4 alone, which is else received from `::ffff:192.0.2.1`. @default false */
  readonly ipv6Only?: boolean;
}

/** Options of a socket without a peer. */
export interface SocketOptions extends CommonOptions {
  /** Where to listen: `0.0.0.0` and `::` are all addresses of this host. */
  readonly local: Endpoint;
}

/** Options of a socket with a peer. */
export interface ConnectedSocketOptions extends CommonOptions {
  readonly remote: Endpoint;
  /** Where to send from. @default the address that the route to the remote prefers, and any port */
  readonly local?: Endpoint;
}

/** @throws {RangeError} when `value` is no whole number from 1; the message names `field` */
export function checkCount(field: keyof CommonOptions, value: number | undefined, unit: string): void {
  if (value === undefined || (Number.isInteger(value) && value > 0)) return;
  throw new RangeError(`${field} is ${value}: pass a whole number of ${unit} from 1`);
}
