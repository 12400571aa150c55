import type { Endpoint } from './endpoint.ts';
import {
  AddressMissingError,
  MessageTooBigError,
  PermissionError,
  PortInUseError,
  SocketError,
  UnreachableError,
  type SocketFailure,
} from './errors.ts';

type ErrorClass = new (failure: SocketFailure, sizes: { readonly size?: number }) => SocketError;

const CLASSES: Partial<Record<string, ErrorClass>> = {
  EADDRINUSE: PortInUseError,
  EADDRNOTAVAIL: AddressMissingError,
  EACCES: PermissionError,
  EPERM: PermissionError,
  ENETUNREACH: UnreachableError,
  EHOSTUNREACH: UnreachableError,
  ECONNREFUSED: UnreachableError,
  EMSGSIZE: MessageTooBigError,
};

/**
 * The error that callers match, for one of Node's.
 * @param size - of the datagram that was to be sent, in bytes
 */
export function toSocketError(
  syscall: SocketFailure['syscall'],
  { address, port }: Endpoint,
  cause: NodeJS.ErrnoException,
  size?: number,
): SocketError {
  const failure = { code: cause.code ?? 'UNKNOWN', syscall, address, port, cause };
  const Class = CLASSES[failure.code];
  return Class ? new Class(failure, size === undefined ? {} : { size }) : new SocketError(failure);
}
