/**
 * Does one thing with a socket inside a network namespace and prints what came of it as JSON:
 * `bind|send|connect|converse|wait|echo ADDRESS PORT [BYTES]`.
 */
import { connectSocket, MessageTooBigError, openSocket, SocketError } from '../../src/index.ts';

const [what = '', host = '', service = '', size = '1'] = process.argv.slice(2);
const endpoint = { address: host, port: Number(service) };
const any = { address: host.includes(':') ? '::' : '0.0.0.0', port: 0 };

const attempts: Record<string, () => Promise<unknown>> = {
  async bind() {
    await using socket = await openSocket({ local: endpoint });
    return socket.local;
  },

  async send() {
    await using socket = await openSocket({ local: any });
    await socket.send(Buffer.from('x'), endpoint);
  },

  async connect() {
    await using socket = await connectSocket({ remote: endpoint });
    return socket.local;
  },

  /** Sends one datagram and waits for an answer. */
  async converse() {
    await using socket = await connectSocket({ remote: endpoint, signal: AbortSignal.timeout(15_000) });
    await socket.send(Buffer.alloc(Number(size)));
    for await (const { data } of socket) return { answered: data.length };
    return {};
  },

  /** Sends everything back until it is ended. */
  async echo() {
    await using socket = await openSocket({ local: endpoint });
    console.log('listening');
    for await (const { data, from } of socket) await socket.send(data, from);
  },

  /** Fills the send buffer and closes the socket while the kernel looks for the neighbour. */
  async wait() {
    const socket = await openSocket({ local: any, sendBufferSize: 4_096 });
    const batch = Array.from({ length: 20 }, () => ({ data: Buffer.alloc(1_000), to: endpoint }));
    const sending = socket.sendBatch(batch);
    const single = socket.send(Buffer.alloc(1_000), endpoint);
    await socket.close();
    const rejection = await single.catch((error: unknown) => (error as Error).name);
    const { sent, failures } = await sending;
    return { sent, failures: failures.map(({ error }) => error.name), rejection };
  },
};

try {
  console.log(JSON.stringify({ value: await attempts[what]!() }));
} catch (error) {
  if (!(error instanceof SocketError)) throw error;
  const { name, code, syscall, address, port, message } = error;
  const size = error instanceof MessageTooBigError ? error.size : undefined;
  console.log(JSON.stringify({ error: { name, code, syscall, address, port, message, size } }));
}
