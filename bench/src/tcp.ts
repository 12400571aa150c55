import { iperf } from '@flannel-ts/lab';
import { machineCpuMs } from './cpu.ts';
import type { Pair } from './pairs.ts';
import type { Figure, Traffic } from './report.ts';
import { countFrames, FRAME_LENGTH } from './underlay.ts';
import { countWakeUps } from './wake-ups.ts';

/** TCP of `streams` connections: received bits, the CPU time they cost the machine, and what they went in. */
export async function measureTcp(pair: Pair, streams: number, traffic: Traffic): Promise<Figure[]> {
  const metric = `TCP, ${streams} ${streams === 1 ? 'stream' : 'streams'}`;
  const meanFrame = await countFrames(pair);
  const packetsPerWakeUp = await countWakeUps(pair);
  const cpuBefore = await machineCpuMs();
  const bitsPerSecond = await iperf(pair.from, pair.to, { ...traffic, streams });
  const cpuMs = (await machineCpuMs()) - cpuBefore;
  const packets = await packetsPerWakeUp();
  const gigabits = (bitsPerSecond * traffic.seconds) / 1e9;
  return [
    { metric, unit: 'Mbit/s', value: bitsPerSecond / 1e6 },
    { metric: `${metric}: CPU of the whole machine`, unit: 'ms/Gbit', value: cpuMs / gigabits },
    { metric: `${metric}: mean frame on the underlay`, unit: FRAME_LENGTH, value: await meanFrame() },
    ...(packets === undefined
      ? []
      : [{ metric: `${metric}: carried by a wake-up`, unit: 'packets', value: packets }]),
  ];
}
