import { createSocket, type Socket } from 'node:dgram';
import { once } from 'node:events';
import { checkLocalPort, checkRemote, familyOf, type Endpoint } from './endpoint.ts';
import { checkCount, type CommonOptions } from './options.ts';
import { toSocketError } from './to-socket-error.ts';

/** A socket of Node's that is bound and, with a remote, connected. */
export interface Binding {
  readonly socket: Socket;
  readonly local: Endpoint;
  /** As the kernel writes it. */
  readonly remote: Endpoint | undefined;
}

/**
 * Opens a socket of Node's. Nothing can have arrived when the promise is fulfilled: the event loop has not polled.
 * @throws {RangeError} when an option is none
 * @throws {SocketError} when the kernel refuses
 * @throws the signal's reason, when it aborts before
 */
export async function bind(options: CommonOptions, local: Endpoint, remote?: Endpoint): Promise<Binding> {
  const { reuseAddr = false, ipv6Only = false, recvBufferSize, sendBufferSize, signal } = options;
  const family = familyOf('local', local);
  checkLocalPort('local', local);
  if (remote) checkRemote('remote', remote, family);
  checkCount('recvBufferSize', recvBufferSize, 'bytes');
  checkCount('sendBufferSize', sendBufferSize, 'bytes');
  signal?.throwIfAborted();

  const socket = createSocket({
    type: family === 4 ? 'udp4' : 'udp6',
    reuseAddr,
    recvBufferSize,
    sendBufferSize,
    lookup: takeLiterally,
    // Linux refuses to bind an IPv4 socket with it.
    ipv6Only: ipv6Only && family === 6,
  });
  try {
    // Workers of node:cluster get sockets of their own.
    await carryOut(socket, 'bind', local, () =>
      socket.bind({ address: local.address, port: local.port, exclusive: true }),
    );
    if (remote) await carryOut(socket, 'connect', remote, () => socket.connect(remote.port, remote.address));
    signal?.throwIfAborted();
  } catch (error) {
    socket.close();
    throw error;
  }
  return { socket, local: endpoint(socket.address()), remote: remote && endpoint(socket.remoteAddress()) };
}

async function carryOut(
  socket: Socket,
  syscall: 'bind' | 'connect',
  target: Endpoint,
  start: () => void,
): Promise<void> {
  const done = once(socket, syscall === 'bind' ? 'listening' : 'connect');
  try {
    start();
    await done;
  } catch (error) {
    throw toSocketError(syscall, target, error as NodeJS.ErrnoException);
  }
}

function endpoint({ address, port }: Endpoint): Endpoint {
  return { address, port };
}

/** Addresses are never names here, and without a lookup Node sends in the turn that asks for it. */
function takeLiterally(
  address: string,
  _options: unknown,
  callback: (error: NodeJS.ErrnoException | null, address: string, family: number) => void,
): void {
  callback(null, address, 0);
}
