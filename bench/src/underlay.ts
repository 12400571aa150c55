import type { Pair } from './pairs.ts';
import type { Figure } from './report.ts';

/**
 * What crosses the virtual underlay: whole super-packets; packets cut to 1500 bytes, as on real Ethernet; or those between
 * devices that fill in checksums and merge what they receive (GRO), as most network cards and their drivers do.
 */
export type Underlay =
  'super-packets' | '1500-byte packets' | '1500-byte packets, checksums and GRO by the device';

/** As ethtool(8) calls them. */
const features = ['tx', 'tso', 'gso', 'tx-udp-segmentation', 'gro'] as const;
type Feature = (typeof features)[number];

/** Offloads that are on. A veth has no GRO unless it is asked for. */
const offloads: Record<Underlay, readonly Feature[]> = {
  'super-packets': ['tx', 'tso', 'gso', 'tx-udp-segmentation'],
  '1500-byte packets': [],
  '1500-byte packets, checksums and GRO by the device': ['tx', 'gro'],
};

/** Unit of the figures that tell what crossed the underlay. */
export const FRAME_LENGTH = 'B/frame';

/** The longest frame of an underlay of 1500 bytes, with its Ethernet header. */
const LONGEST_FRAME = 1514;

/** Turns the offloads of the hosts' `eth0` and of the bridge's ports on or off. */
export async function setUnderlay({ lab, hosts }: Pair, underlay: Underlay): Promise<void> {
  const on = offloads[underlay];
  const states = features.flatMap((feature) => [feature, on.includes(feature) ? 'on' : 'off']);
  for (const host of hosts) {
    await host.run('ethtool', '-K', 'eth0', ...states);
    // A switch merges nothing.
    await lab.underlay.run('ethtool', '-K', host.name, ...states, 'gro', 'off');
  }
}

/** Counts what arrives at the host of `to` from now on. @returns reads the mean length of a frame so far, in bytes */
export async function countFrames({ hosts }: Pair): Promise<() => Promise<number>> {
  const read = async () => {
    const [link] = await hosts[1].json<[{ stats64: { rx: { packets: number; bytes: number } } }]>(
      ...['ip', '-json', '-statistics', 'link', 'show', 'eth0'],
    );
    return link.stats64.rx;
  };
  const before = await read();
  return async () => {
    const after = await read();
    return (after.bytes - before.bytes) / (after.packets - before.packets);
  };
}

/** Fails a run whose underlay was not what its row says. */
export function checkFrames(underlay: Underlay, figures: readonly Figure[]): void {
  if (underlay === 'super-packets') return;
  const longer = figures.find(({ unit, value }) => unit === FRAME_LENGTH && value > LONGEST_FRAME);
  if (longer)
    throw new Error(`${longer.metric} was ${longer.value} B: the offloads of the underlay are not off`);
}
