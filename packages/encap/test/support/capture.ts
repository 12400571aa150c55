import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Host, Namespace } from '@flannel-ts/lab';
import { expect } from 'vitest';
import { readPcap } from './pcap.ts';

const MARKER = 'this is where the capture ends';
const NOBODY = '192.168.77.1/9';

/** The frames on a host's underlay interface while `traffic` runs. */
export async function capture(host: Host, traffic: () => Promise<unknown>): Promise<Buffer[]> {
  const file = join(host.directory, 'underlay.pcap');
  const write = ['-Z', 'root', '-w', file, '-U', '--immediate-mode'];
  await using tcpdump = host.start(['tcpdump', '-i', 'eth0', ...write]);
  await tcpdump.line(/listening on/);
  await traffic();
  // Frames are captured in order: when the marker is there, all before it are.
  await host.run('bash', '-c', `echo -n '${MARKER}' > /dev/udp/${NOBODY}`);
  const frames = async () => readPcap(await readFile(file));
  const marker = (frame: Buffer) => frame.includes(MARKER);
  await expect.poll(async () => (await frames()).some(marker), { timeout: 10_000 }).toBe(true);
  const all = await frames();
  return all.slice(0, all.findIndex(marker));
}

/** Makes the kernel compute checksums and cut segments itself, so that captures show what a real wire would. */
export async function disableOffloads(namespace: Namespace, link: string): Promise<void> {
  await namespace.run('ethtool', '-K', link, ...['tx', 'off', 'tso', 'off', 'gso', 'off', 'gro', 'off']);
}
