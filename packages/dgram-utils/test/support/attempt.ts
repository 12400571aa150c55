/**
 * Does one thing with a socket inside a network namespace and prints what came of it as JSON:
 * `bind|send|connect|big|wait ADDRESS PORT`.
 */
import { connectSocket, MessageTooBigError, openSocket, SocketError } from '../../src/index.ts';

const [what = '', host = '', service = ''] = process.argv.slice(2);
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

  /** Sends what the first link carries in one piece, and then reads. */
  async big() {
    await using socket = await connectSocket({ remote: endpoint, signal: AbortSignal.timeout(5_000) });
    await socket.send(Buffer.alloc(1_400));
    for await (const { data } of socket) return { answered: data.length };
    return {};
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
