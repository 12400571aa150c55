import { setTimeout as delay } from 'node:timers/promises';
import type { Namespace } from './namespace.ts';

/** The sender's port; iperf3 has a second connection, for control. */
const PORT = 5_999;
const PIECE_BYTES = 500;
/** A piece each 5 ms: far below what a path carries, so that no queue overflows. */
const BITS_PER_SECOND = 800_000;
/** How long what was sent may take to arrive, repetitions by TCP included. */
const PATIENCE_MS = 10_000;
const POLL_MS = 20;

/** One TCP connection that carries small pieces at a steady pace, until it is disposed of. */
export interface Stream extends AsyncDisposable {
  /**
   * Halts the sender until all of what it has sent has arrived.
   * @returns how many segments with data the kernel of the sender has sent, since the beginning, that the receiver's
   *   did not get. Those that TCP sent twice because they were late are not among them.
   * @throws when the connection is gone, or does not deliver
   */
  settle(): Promise<number>;
}

/** Starts a stream by iperf3. */
export async function startStream(
  from: Namespace,
  to: Namespace & { readonly address: string },
): Promise<Stream> {
  const server = to.start(['iperf3', '--server', '--one-off', '--forceflush']);
  await server.line(/Server listening/);
  const client = from.start([
    ...['iperf3', '--client', to.address, '--cport', `${PORT}`, '--time', '0', '--forceflush'],
    ...['--no-delay', '--length', `${PIECE_BYTES}`, '--bitrate', `${BITS_PER_SECOND}`],
  ]);
  // The report of the first second.
  await client.line(/ 0\.00-/);
  return {
    async settle() {
      await client.freeze();
      const lost = await lostSegments(from, to);
      client.signal('SIGCONT');
      return lost;
    },
    async [Symbol.asyncDispose]() {
      await Promise.all([client.stop(), server.stop()]);
    },
  };
}

/** Waits until the receiver has every byte, and compares the counts of both kernels. */
async function lostSegments(from: Namespace, to: Namespace): Promise<number> {
  const patient = performance.now() + PATIENCE_MS;
  for (;;) {
    const sender = await readSocket(from, `sport = :${PORT}`);
    const receiver = await readSocket(to, `dport = :${PORT}`);
    if (sender.queued === 0) return sender.count('data_segs_out') - receiver.count('data_segs_in');
    if (performance.now() > patient)
      throw new Error(`the stream does not deliver:\n${sender.text}\n${receiver.text}`);
    await delay(POLL_MS);
  }
}

/** Reads what the kernel counts of an established connection, by ss(8). @throws when there is none */
async function readSocket(namespace: Namespace, filter: string) {
  const text = (await namespace.run('ss', '-tinHO', 'state', 'established', filter)).trim();
  if (text === '') throw new Error(`there is no connection with ${filter}`);
  return {
    text,
    /** Bytes that the other end has not acknowledged. */
    queued: Number(text.split(/\s+/)[1]),
    count: (name: string) => Number(new RegExp(` ${name}:(\\d+)`).exec(text)![1]),
  };
}
