import { readFile } from 'node:fs/promises';
import { startIperfServer } from './iperf-server.ts';
import type { Pair } from './pairs.ts';
import type { Figure, Traffic } from './report.ts';

const ACCEPTED_LOSS_PERCENT = 1;
/** Each halves the range that the answer lies in: it is exact to 3 % of what was sent in the flood. */
const PROBES = 5;
const PROBE_SECONDS = 1;
/**
 * Bytes, where the kernel grants them. What is lost should be lost on the path: a receiving program that is not
 * scheduled for some ms loses nothing, and an overload of 2 % in a probe still shows.
 */
const SOCKET_BUFFER = 512 << 10;
/** iperf3 sends what is due this often; its own 1,000 µs make bursts of a hundred packets. */
const PACING_MICROSECONDS = 100;

/** Datagrams of `bytes` as fast as one iperf3 sends, and as fast as less than 1 % of them are lost. */
export async function measureUdp(pair: Pair, bytes: number, { seconds }: Traffic): Promise<Figure[]> {
  const flood = await send(pair, { bytes, seconds, packetsPerSecond: 0 });
  const metric = `UDP ${bytes} B`;
  return [
    { metric: `${metric}, flood, delivered`, unit: 'packets/s', value: flood.delivered },
    {
      metric: `${metric}, below 1 % loss, delivered`,
      unit: 'packets/s',
      value: await findRate(pair, bytes, flood),
    },
  ];
}

interface Sent {
  /** Datagrams per second that were sent. */
  readonly offered: number;
  /** Datagrams per second that the receiving program got. */
  readonly delivered: number;
  readonly lossPercent: number;
}

/** Halves the range between nothing and the flood, and keeps the half that the loss allows. */
async function findRate(pair: Pair, bytes: number, flood: Sent): Promise<number> {
  if (flood.lossPercent < ACCEPTED_LOSS_PERCENT) return flood.delivered;
  let best = 0;
  let [low, high] = [0, flood.offered];
  for (let probe = 0; probe < PROBES; probe++) {
    const packetsPerSecond = (low + high) / 2;
    const delivered = await tryRate(pair, bytes, packetsPerSecond);
    if (delivered === undefined) high = packetsPerSecond;
    else low = packetsPerSecond;
    best = Math.max(best, delivered ?? 0);
  }
  return best;
}

/** Twice, as one hiccup of the machine says nothing about the path. @returns what arrived, if little was lost */
async function tryRate(pair: Pair, bytes: number, packetsPerSecond: number): Promise<number | undefined> {
  for (let attempt = 1; attempt <= 2; attempt++) {
    const sent = await send(pair, { bytes, seconds: PROBE_SECONDS, packetsPerSecond });
    if (sent.lossPercent < ACCEPTED_LOSS_PERCENT) return sent.delivered;
  }
  return undefined;
}

/** Sends at a rate, or as fast as it goes with 0. */
async function send(
  { from, to }: Pair,
  { bytes, seconds, packetsPerSecond }: { bytes: number; seconds: number; packetsPerSecond: number },
): Promise<Sent> {
  await using _server = await startIperfServer(to);
  const { end } = await from.json<{ end: Record<'sum_sent' | 'sum_received', UdpSummary> }>(
    ...['iperf3', '--json', '--client', to.address, '--udp', '--length', `${bytes}`],
    ...['--bitrate', `${Math.round(packetsPerSecond * bytes * 8)}`, '--time', `${seconds}`],
    ...['--window', `${await socketBuffer()}`, '--pacing-timer', `${PACING_MICROSECONDS}`],
  );
  return {
    offered: end.sum_sent.packets / end.sum_sent.seconds,
    delivered: end.sum_received.bytes / bytes / end.sum_received.seconds,
    lossPercent: end.sum_received.lost_percent,
  };
}

async function socketBuffer(): Promise<number> {
  const limits = ['rmem_max', 'wmem_max'].map((name) => readFile(`/proc/sys/net/core/${name}`, 'utf8'));
  return Math.min(SOCKET_BUFFER, ...(await Promise.all(limits)).map(Number));
}

interface UdpSummary {
  readonly packets: number;
  readonly bytes: number;
  readonly seconds: number;
  readonly lost_percent: number;
}
