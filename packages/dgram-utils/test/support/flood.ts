/** Sends datagrams to a port of this host until it is ended. */
import { openSocket } from '../../src/index.ts';

const socket = await openSocket({ local: { address: '127.0.0.1', port: 0 } });
const to = { address: '127.0.0.1', port: Number(process.argv[2]) };
const batch = Array.from({ length: 100 }, () => ({ data: Buffer.from('not from your peer'), to }));
console.log('flooding');
for (;;) await socket.sendBatch(batch);
