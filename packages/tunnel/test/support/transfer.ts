// Run in a container: `serve` echoes what it gets over TCP and UDP, `check ADDRESS SEED BYTES DATAGRAMS` sends random
// data there and compares what comes back byte for byte.
import { createHash } from 'node:crypto';
import { createSocket, type Socket as UdpSocket } from 'node:dgram';
import { once } from 'node:events';
import { connect, createServer } from 'node:net';
import { setImmediate as nextTurn } from 'node:timers/promises';

const port = 7000;
const [, , mode, ...args] = process.argv;
if (mode === 'serve') serve();
else await check(args[0]!, Number(args[1]), Number(args[2]), args[3] === 'true');

function serve(): void {
  const udp = createSocket({ type: 'udp6', recvBufferSize: 4 << 20 });
  udp.on('message', (data, from) => udp.send(data, from.port, from.address));
  udp.bind(port, () => {
    createServer((stream) => stream.on('error', () => undefined).pipe(stream)).listen(port, () =>
      console.log('serving'),
    );
  });
}

async function check(address: string, seed: number, bytes: number, datagrams: boolean): Promise<void> {
  const random = randomNumbers(seed);
  await Promise.all(Array.from({ length: 3 }, () => checkStream(address, random, bytes)));
  if (datagrams) await checkDatagrams(address, random);
  console.log('all equal');
}

/** Random writes of 1 B to 64 KB, some of them in a row, some after a pause, until `bytes` are sent and have come back. */
async function checkStream(address: string, random: () => number, bytes: number): Promise<void> {
  const stream = connect({ host: address, port, noDelay: random() < 0.5 });
  const sent = createHash('sha256');
  const returned = createHash('sha256');
  stream.on('data', (data) => returned.update(data));
  const end = once(stream, 'end');
  for (let left = bytes; left > 0;) {
    const data = randomBytes(random, Math.min(left, sizeUpTo(65_536, random)));
    sent.update(data);
    left -= data.length;
    if (!stream.write(data)) await once(stream, 'drain');
    if (random() < 0.3) await nextTurn();
  }
  stream.end();
  await end;
  assertEqual(returned.digest('hex'), sent.digest('hex'), 'a TCP stream');
}

async function checkDatagrams(address: string, random: () => number): Promise<void> {
  const socket = createSocket({ type: address.includes(':') ? 'udp6' : 'udp4', recvBufferSize: 4 << 20 });
  const edges = [1, 2, 3, 1443, 1444, 1445, 1472, 2888, 65_000, 65_507];
  const sizes = [...edges, ...Array.from({ length: 30 }, () => sizeUpTo(65_507, random))];
  const late: Buffer[] = [];
  const check = (burst: Buffer[]) => checkBurst(socket, address, burst, late);
  for (const size of sizes) await check([randomBytes(random, size)]);
  // Equal sizes in a row, which may be merged on their way; the last one shorter.
  for (const size of [1, 64, 700, 1400, 1444]) {
    const burst = Array.from({ length: 40 }, () => randomBytes(random, size));
    await check([...burst, randomBytes(random, Math.ceil(size / 2))]);
  }
  socket.close();
}

/**
 * Sends datagrams at once and waits for their echoes; sends again what seems to be lost. If its echo is only late, it comes
 * twice: `late` has what may come once more, in this burst or in a later one.
 */
async function checkBurst(
  socket: UdpSocket,
  address: string,
  datagrams: Buffer[],
  late: Buffer[],
): Promise<void> {
  for (let attempt = 0; datagrams.length > 0; attempt++) {
    if (attempt === 5) throw new Error(`datagrams of ${datagrams[0]!.length} bytes are lost`);
    for (const data of datagrams) socket.send(data, port, address);
    if (attempt > 0) late.push(...datagrams);
    for (;;) {
      const echo = await nextMessage(socket, 500);
      if (!echo) break;
      if (!take(datagrams, echo) && !take(late, echo))
        throw new Error(`a datagram of ${echo.length} bytes came back that was not sent, or twice`);
      if (datagrams.length === 0) return;
    }
  }
}

/** Removes one equal to `data` from a list; false when there is none. */
function take(list: Buffer[], data: Buffer): boolean {
  const index = list.findIndex((one) => one.equals(data));
  if (index >= 0) list.splice(index, 1);
  return index >= 0;
}

async function nextMessage(socket: UdpSocket, milliseconds: number): Promise<Buffer | undefined> {
  try {
    const [data] = (await once(socket, 'message', { signal: AbortSignal.timeout(milliseconds) })) as [Buffer];
    return data;
  } catch {
    return undefined;
  }
}

function assertEqual(actual: string, expected: string, what: string): void {
  if (actual !== expected) throw new Error(`${what} came back with other bytes`);
}

/** Every order of magnitude is as likely. */
function sizeUpTo(maximum: number, random: () => number): number {
  return Math.ceil(Math.exp(random() * Math.log(maximum)));
}

function randomBytes(random: () => number, size: number): Buffer {
  const bytes = Buffer.alloc(size);
  for (let index = 0; index < size; index++) bytes[index] = random() * 256;
  return bytes;
}

/** The same numbers for the same seed (mulberry32). */
function randomNumbers(seed: number): () => number {
  return () => {
    seed = (seed + 0x6d2b79f5) | 0;
    let mixed = Math.imul(seed ^ (seed >>> 15), seed | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}
