/**
 * UDP sockets for Node: AbortSignal, `for await` over datagrams, connected sockets, batches, and errors to match.
 *
 * @packageDocumentation
 */
export { connectSocket } from './connect-socket.ts';
export type { Endpoint, Family } from './endpoint.ts';
export {
  AddressMissingError,
  MessageTooBigError,
  PermissionError,
  PortInUseError,
  SocketClosedError,
  SocketError,
  UnreachableError,
  type SocketFailure,
} from './errors.ts';
export { openSocket } from './open-socket.ts';
export type { CommonOptions, ConnectedSocketOptions, SocketOptions } from './options.ts';
export { largestPayload } from './path-mtu.ts';
export type {
  BatchResult,
  BoundSocket,
  ConnectedSocket,
  Datagram,
  OutgoingDatagram,
  SocketStats,
  UdpSocket,
} from './socket.ts';
