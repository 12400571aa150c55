import { readFile } from 'node:fs/promises';

/** A clock tick of /proc (USER_HZ, 100 a second on every architecture of ours) in ms. */
const TICK_MS = 10;

/** CPU time in ms that all cores have spent since boot on anything, interrupts included (/proc/stat, proc(5)). */
export async function machineCpuMs(): Promise<number> {
  const [, user, nice, system, , , irq, softirq] = (await readFile('/proc/stat', 'utf8')).split(/\s+/, 8);
  const ticks = [user, nice, system, irq, softirq].reduce((sum, value) => sum + Number(value), 0);
  return ticks * TICK_MS;
}

/** What a process has used so far (/proc/PID, proc(5)). */
export async function processUsage(pid: number): Promise<{ cpuMs: number; residentMegabytes: number }> {
  const stat = (await readFile(`/proc/${pid}/stat`, 'utf8')).split(') ')[1]!.split(' ');
  const resident = /VmRSS:\s+(\d+) kB/.exec(await readFile(`/proc/${pid}/status`, 'utf8'))![1];
  const ticks = Number(stat[11]) + Number(stat[12]);
  return { cpuMs: ticks * TICK_MS, residentMegabytes: Number(resident) / 1024 };
}
