/** Opens sockets of every kind, uses and closes them; then nothing keeps the process alive. */
import { connectSocket, openSocket } from '../../src/index.ts';

const abort = new AbortController();
const server = await openSocket({ local: { address: '127.0.0.1', port: 0 }, signal: abort.signal });
const serving = (async () => {
  for await (const { from } of server) await server.send(Buffer.from('pong'), from);
})();

const client = await connectSocket({ remote: server.local });
await client.send(Buffer.from('ping'));
for await (const { data } of client) {
  console.log(Buffer.from(data).toString());
  break;
}
const iteration = client[Symbol.asyncIterator]().next();
await client.close();
await iteration;
abort.abort();
await serving;
console.log('closed');
