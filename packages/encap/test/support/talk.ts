// Run in a namespace. `talk.ts serve` echoes TCP and UDP on port 7000; `talk.ts to ADDRESS` sends both there
// and waits for the echoes, then sends to a port where nobody is and waits for the ICMP error.
import { createSocket } from 'node:dgram';
import { once } from 'node:events';
import { connect, createServer } from 'node:net';

const PORT = 7000;
const CLOSED_PORT = 7001;
const TCP_BYTES = 20_000;

const [task, address = ''] = process.argv.slice(2);
if (task === 'serve') {
  await serve();
} else {
  await echoDatagrams(10, 1_200);
  await echoStream();
  await hitClosedPort();
}

async function serve(): Promise<void> {
  const udp = createSocket('udp6', (data, from) => udp.send(data, from.port, from.address));
  udp.bind(PORT);
  const tcp = createServer((socket) => socket.pipe(socket)).listen(PORT);
  await Promise.all([once(udp, 'listening'), once(tcp, 'listening')]);
  console.log('serving');
}

function openUdp() {
  return createSocket(address.includes(':') ? 'udp6' : 'udp4');
}

async function echoDatagrams(...sizes: number[]): Promise<void> {
  const socket = openUdp();
  for (const size of sizes) {
    socket.send(Buffer.alloc(size, 'datagram'), PORT, address);
    await once(socket, 'message');
  }
  socket.close();
}

async function echoStream(): Promise<void> {
  const socket = connect(PORT, address);
  socket.end(Buffer.alloc(TCP_BYTES, 'stream'));
  let received = 0;
  for await (const data of socket) received += (data as Buffer).length;
  if (received !== TCP_BYTES) throw new Error(`${received} of ${TCP_BYTES} bytes came back`);
}

async function hitClosedPort(): Promise<void> {
  const socket = openUdp();
  socket.connect(CLOSED_PORT, address);
  await once(socket, 'connect');
  socket.send('anybody there?');
  const [error] = (await once(socket, 'error').catch((reason: unknown) => [reason])) as [
    NodeJS.ErrnoException,
  ];
  if (error.code !== 'ECONNREFUSED') throw error;
  socket.close();
}
