import { isIPv6 } from 'node:net';
import { LARGEST_DATAGRAM } from './path-mtu.ts';

/** What a socket was asked for when it failed. */
export interface SocketFailure {
  /** Name of the errno, such as `EADDRINUSE`. */
  readonly code: string;
  /** `recvmsg`: the kernel reported on something sent before. */
  readonly syscall: 'bind' | 'connect' | 'send' | 'recvmsg';
  /** The local address for `bind`, otherwise the remote one. */
  readonly address: string;
  readonly port: number;
  /** Node's own error; none when this package refused by itself. */
  readonly cause?: unknown;
}

/** The kernel refused something. The classes below are the cases that callers handle. */
export class SocketError extends Error implements SocketFailure {
  readonly code: string;
  readonly syscall: SocketFailure['syscall'];
  readonly address: string;
  readonly port: number;

  constructor(failure: SocketFailure, problem = `${failure.syscall} failed`) {
    const { code, syscall, address, port, cause } = failure;
    const endpoint = address.includes(':') ? `[${address}]:${port}` : `${address}:${port}`;
    super(`UDP ${endpoint}: ${problem} (${code})`, cause === undefined ? {} : { cause });
    this.name = 'SocketError';
    this.code = code;
    this.syscall = syscall;
    this.address = address;
    this.port = port;
  }
}

/** Another socket has the local port (`EADDRINUSE`). */
export class PortInUseError extends SocketError {
  constructor(failure: SocketFailure) {
    super(
      failure,
      `the port is in use; end the other program (ss -lunp sport = :${failure.port} shows it) or choose another port`,
    );
    this.name = 'PortInUseError';
  }
}

/** No interface has the local address, or none has one to reach the remote from (`EADDRNOTAVAIL`). */
export class AddressMissingError extends SocketError {
  constructor(failure: SocketFailure) {
    super(
      failure,
      failure.syscall === 'bind'
        ? 'no interface has this address; choose one that ip address shows'
        : 'there is no local address or port to send from; see ip address, and ss -un for the ports',
    );
    this.name = 'AddressMissingError';
  }
}

/** A privilege is missing, or a rule forbids it (`EACCES`, `EPERM`). */
export class PermissionError extends SocketError {
  constructor(failure: SocketFailure) {
    super(
      failure,
      failure.syscall === 'bind'
        ? 'not allowed; run as root or with CAP_NET_BIND_SERVICE, or choose a port from 1024 on'
        : 'not allowed; this is a broadcast address, or a firewall rule or a prohibit route forbids it',
    );
    this.name = 'PermissionError';
  }
}

/**
 * The remote cannot be reached: no route (`ENETUNREACH`), an unreachable route or somebody's firewall
 * (`EHOSTUNREACH`), no listener (`ECONNREFUSED`).
 */
export class UnreachableError extends SocketError {
  constructor(failure: SocketFailure) {
    super(failure, explainUnreachable(failure));
    this.name = 'UnreachableError';
  }
}

/** A datagram is bigger than UDP, the option `pathMtu`, or a router on the way allows (`EMSGSIZE`). */
export class MessageTooBigError extends SocketError {
  /** Bytes of the datagram; `undefined` when the kernel reported what a router said of one sent before. */
  readonly size: number | undefined;
  /** The most bytes that are taken; `undefined` when a router refused, which only the kernel knows more about. */
  readonly limit: number | undefined;

  /** @param sizes - of the datagram that was to be sent, and the limit if it is known to exceed one */
  constructor(failure: SocketFailure, sizes: { readonly size?: number; readonly limit?: number } = {}) {
    const { size = 0, limit = LARGEST_DATAGRAM[isIPv6(failure.address) ? 6 : 4] } = sizes;
    const known = size > limit;
    super(
      failure,
      known
        ? `${size} bytes are too many for one datagram; send at most ${limit}`
        : `a datagram was too big for a router on the way; send less (ip route get ${failure.address} shows the path's MTU)`,
    );
    this.name = 'MessageTooBigError';
    this.size = known ? size : undefined;
    this.limit = known ? limit : undefined;
  }
}

/** The socket was closed, by `close()` or its signal, before the datagram was sent. */
export class SocketClosedError extends Error {
  constructor(options?: ErrorOptions) {
    super('the UDP socket is closed; open a new one to send', options);
    this.name = 'SocketClosedError';
  }
}

function explainUnreachable({ code, address }: SocketFailure): string {
  switch (code) {
    case 'ENETUNREACH':
      return `no route leads there; ip route get ${address} shows what the kernel knows`;
    case 'ECONNREFUSED':
      return 'nothing listens there; start the program, or check the port and the firewall of that host';
    default:
      return `an unreachable route or a firewall refuses; see ip route get ${address}, and the firewall of that host`;
  }
}
