import { startIperfServer } from './iperf-server.ts';
import type { Pair } from './pairs.ts';
import type { Figure, Traffic } from './report.ts';

/** Round trips of pings over an idle path. */
export async function measureIdleRtt(pair: Pair): Promise<Figure[]> {
  return summarize('RTT idle', await ping(pair, 500, 0.002));
}

/** Round trips of pings beside a TCP stream. */
export async function measureLoadedRtt(pair: Pair, { seconds, congestion }: Traffic): Promise<Figure[]> {
  const { from, to } = pair;
  await using _server = await startIperfServer(to);
  // Longer than the pings take, and ended after them.
  const options = ['--time', `${seconds * 10}`, '--congestion', congestion];
  const client = ['iperf3', '--forceflush', '--client', to.address, ...options];
  await using load = from.start(client);
  await load.line(/ connected to /);
  const ended = load.exited.then((code) => {
    throw new Error(`iperf3 ended (${code}) before the pings:\n${load.lines.join('\n')}`);
  });
  return summarize('RTT beside 1 TCP stream', await Promise.race([ping(pair, seconds * 200, 0.005), ended]));
}

/** @returns round-trip times of the pings that were answered, in µs */
async function ping({ from, to }: Pair, count: number, intervalSeconds: number): Promise<number[]> {
  const output = await from.run('ping', '-n', '-c', `${count}`, '-i', `${intervalSeconds}`, to.address);
  return Array.from(output.matchAll(/ time=([\d.]+) ms/g), ([, time]) => Number(time) * 1_000);
}

function summarize(metric: string, times: number[]): Figure[] {
  const sorted = times.toSorted((a, b) => a - b);
  const percentile = (share: number) => sorted[Math.ceil(sorted.length * share) - 1]!;
  return [
    { metric: `${metric}, p50`, unit: 'µs', value: percentile(0.5) },
    { metric: `${metric}, p99`, unit: 'µs', value: percentile(0.99) },
  ];
}
