import { createCluster, type Container, type Node, type RunningProcess } from '@flannel-ts/lab';
import type { Benchmark, Figure } from './report.ts';

/** How many replies to look at before the restart, and after it, when a late silence counts too. */
const REPLIES = 1_000;

/** How long containers do not hear each other while a daemon between them is restarted. */
export const restart: Benchmark = {
  name: 'restart',
  describe:
    'the longest silence between containers that ping every ms, while one of their daemons is restarted',
  async run({ rounds, sample, progress }) {
    for (const backend of ['udp', 'vxlan']) {
      await using cluster = await createCluster({ backend: { Type: backend } });
      const [first, second] = [await cluster.addNode(), await cluster.addNode()];
      await cluster.converged();
      const [from, to] = [await first.addContainer(), await second.addContainer()];
      for (let round = 1; round <= rounds; round++) {
        progress(`round ${round}: ${backend}`);
        for (const figure of await measure(first, from, to)) sample(`restart, ${backend}`, figure);
      }
    }
  },
};

/** Restarts the daemon of `node` while its container `from` pings `to`. */
async function measure(node: Node, from: Container, to: Container): Promise<Figure[]> {
  await using pings = from.start(['ping', '-n', '-D', '-i', '0.001', '-w', '60', to.address]);
  await moreReplies(pings);
  const before = replyTimes(pings);
  await node.restart();
  await node.ready();
  await moreReplies(pings);
  // From the last reply before the restart on.
  const during = replyTimes(pings).slice(before.length - 1);
  return [
    { metric: 'longest silence, restarting', unit: 'ms', value: longestSilence(during) },
    { metric: 'longest silence, before', unit: 'ms', value: longestSilence(before) },
  ];
}

/** Waits for so many replies from now on. */
async function moreReplies(pings: RunningProcess): Promise<void> {
  const { promise, resolve } = Promise.withResolvers<undefined>();
  let missing = REPLIES;
  pings.onLine((line) => {
    if (line.includes(' time=') && --missing === 0) resolve(undefined);
  });
  const ended = pings.exited.then(() => {
    throw new Error(`ping ended; its last line is: ${pings.lines.at(-1) ?? ''}`);
  });
  await Promise.race([promise, ended]);
}

/** When each reply came, in ms; `ping -D` prints seconds. */
function replyTimes({ lines }: RunningProcess): number[] {
  return lines.flatMap((line) => {
    const seconds = /^\[([\d.]+)\].* time=/.exec(line)?.[1];
    return seconds === undefined ? [] : [Number(seconds) * 1_000];
  });
}

function longestSilence(times: readonly number[]): number {
  return times.slice(1).reduce((longest, time, index) => Math.max(longest, time - times[index]!), 0);
}
