import { endPing, startStream, type Container } from '@flannel-ts/lab';

/** Milliseconds between pings. */
const PING_MS = 5;

/** What two containers lost of what they sent each other. */
export interface Losses {
  /** Segments of the TCP connection that did not arrive, and that TCP sent again. */
  readonly segments: number;
  /** Numbers of the pings without an answer. */
  readonly pings: readonly number[];
  /** The longest time without an answer to a ping, in milliseconds. */
  readonly silenceMs: number;
}

export const NO_LOSSES: Losses = { segments: 0, pings: [], silenceMs: 0 };

/** One TCP connection between two containers, for as long as they are observed. */
export interface Traffic extends AsyncDisposable {
  /**
   * Carries out a task while the containers also ping each other.
   * @throws when the connection does not survive it with every byte
   */
  lossesDuring(task: () => Promise<unknown>): Promise<Losses>;
}

export async function startTraffic(from: Container, to: Container): Promise<Traffic> {
  const stream = await startStream(from, to);
  return {
    async lossesDuring(task) {
      const lostBefore = await stream.settle();
      const ping = from.start(['ping', '-n', '-i', `${PING_MS / 1_000}`, to.address]);
      await ping.line(/icmp_seq=20 /);
      await task();
      const pings = await endPing(ping);
      const segments = (await stream.settle()) - lostBefore;
      return { segments, pings, silenceMs: longestRun(pings).length * PING_MS };
    },
    [Symbol.asyncDispose]: () => stream[Symbol.asyncDispose](),
  };
}

/** Of ascending numbers, returns the longest run of successive ones, the first of several. */
export function longestRun(numbers: readonly number[]): readonly number[] {
  let longest: readonly number[] = [];
  let run: readonly number[] = [];
  for (const number of numbers) {
    run = number - 1 === run.at(-1) ? [...run, number] : [number];
    if (run.length > longest.length) longest = run;
  }
  return longest;
}
