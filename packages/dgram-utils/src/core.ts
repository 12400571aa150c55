import { bind } from './bind.ts';
import { familyOf, type Endpoint } from './endpoint.ts';
import { checkCount, type CommonOptions } from './options.ts';
import { largestPayload } from './path-mtu.ts';
import { ReceiveQueue } from './receive-queue.ts';
import { Sender } from './sender.ts';
import type { BoundSocket } from './socket.ts';
import { toSocketError } from './to-socket-error.ts';

/** What sockets with and without a peer have in common. */
export interface Core {
  readonly base: BoundSocket;
  readonly sender: Sender;
}

/** Opens a socket and begins to queue what it receives. */
export async function openCore(options: CommonOptions, local: Endpoint, peer?: Endpoint): Promise<Core> {
  const { signal, queueLimit = 1024, pathMtu } = options;
  checkCount('queueLimit', queueLimit, 'datagrams');
  const maxPayload = pathMtu === undefined ? Infinity : largestPayload(pathMtu, familyOf('local', local));
  const { socket, local: bound, remote } = await bind(options, local, peer);

  const queue = new ReceiveQueue(queueLimit);
  const sender = new Sender(socket, {
    connected: remote !== undefined,
    maxPayload,
    takeError: () => queue.takeError(),
  });
  socket.on('message', (data, { address, port }) => {
    // What came from elsewhere between bind and connect is still in the kernel's buffer.
    if (remote && (remote.port !== port || remote.address !== address)) return;
    queue.push({ data, from: { address, port } });
  });
  socket.on('error', (cause) => queue.fail(toSocketError('recvmsg', remote ?? bound, cause)));
  signal?.addEventListener('abort', onAbort, { once: true });

  let closed: Promise<void> | undefined;
  const close = () => (closed ??= shut(undefined));
  function shut(reason: unknown): Promise<void> {
    signal?.removeEventListener('abort', onAbort);
    sender.close(reason);
    queue.end();
    return new Promise((resolve) => socket.close(resolve));
  }
  function onAbort(): void {
    closed ??= shut(signal?.reason);
  }

  const base: BoundSocket = {
    local: bound,
    recvBufferSize: socket.getRecvBufferSize(),
    sendBufferSize: socket.getSendBufferSize(),
    stats: () => ({ ...queue.counts, ...sender.counts }),
    close,
    [Symbol.asyncIterator]: () => queue.read(),
    [Symbol.asyncDispose]: close,
  };
  return { base, sender };
}
