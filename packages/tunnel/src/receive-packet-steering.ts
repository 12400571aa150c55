import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import { join } from 'node:path';

/** With fewer, handing a packet to another core costs as much as is gained. */
const ENOUGH_CORES = 4;

export interface SteeringOptions {
  /** How many cores this process may use. @default what Node knows */
  readonly cores?: number;
  /** Where the kernel shows devices. @default '/sys' */
  readonly sysfs?: string;
}

/**
 * Lets the kernel process what a device receives on all cores, each flow on one (RPS, Documentation/networking/scaling.rst):
 * without it, all that one thread writes to a TUN device, or one queue of a network card receives, is processed on one core.
 * A device for which cores were chosen already keeps them. Without sysfs, or with one that is read-only, nothing is done.
 */
export function steerReceivedPackets(device: string, options: SteeringOptions = {}): void {
  const { cores = availableParallelism(), sysfs = '/sys' } = options;
  if (cores < ENOUGH_CORES) return;
  try {
    const mask = toMask(readFileSync(join(sysfs, 'devices/system/cpu/online'), 'utf8'));
    const queues = join(sysfs, 'class/net', device, 'queues');
    for (const queue of readdirSync(queues).filter((name) => name.startsWith('rx-'))) {
      const file = join(queues, queue, 'rps_cpus');
      const chosen = /[1-9a-f]/.test(readFileSync(file, 'utf8'));
      if (!chosen) writeFileSync(file, mask);
    }
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === undefined) throw error;
  }
}

/**
 * Turns a list of cores into a bit mask as the kernel reads it: hexadecimal, in groups of 32 bits.
 * @param list - `0-3,8`, as in /sys/devices/system/cpu/online
 */
function toMask(list: string): string {
  let bits = 0n;
  for (const range of list.trim().split(',')) {
    const [first, last = first] = range.split('-').map(Number);
    for (let core = first!; core <= last!; core++) bits |= 1n << BigInt(core);
  }
  const digits = bits.toString(16);
  return digits
    .padStart(Math.ceil(digits.length / 8) * 8, '0')
    .match(/.{8}/g)!
    .join(',');
}
