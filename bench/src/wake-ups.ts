import { readdir, readFile } from 'node:fs/promises';
import type { RunningProcess } from '@flannel-ts/lab';
import type { Pair } from './pairs.ts';

/**
 * Counts wake-ups of the threads of both tunnels from now on.
 * @returns reads how many packets each carried so far; `undefined` where no packet goes through user space
 */
export async function countWakeUps({ tunnels, path }: Pair): Promise<() => Promise<number | undefined>> {
  if (!tunnels || path !== 'through user space') return async () => undefined;
  const before = await countAll(tunnels);
  return async () => {
    const after = await countAll(tunnels);
    return (after.packets - before.packets) / (after.wakeUps - before.wakeUps);
  };
}

async function countAll(tunnels: readonly RunningProcess[]): Promise<{ packets: number; wakeUps: number }> {
  const counts = tunnels.map(async (tunnel) => ({
    packets: await countPackets(tunnel),
    wakeUps: await countSleeps(tunnel.pid),
  }));
  return (await Promise.all(counts)).reduce((sum, { packets, wakeUps }) => ({
    packets: sum.packets + packets,
    wakeUps: sum.wakeUps + wakeUps,
  }));
}

/** Asks a tunnel-host. */
async function countPackets(tunnel: RunningProcess): Promise<number> {
  const answer = tunnel.nextLine(/^packets /);
  tunnel.signal('SIGUSR2');
  return Number((await answer).split(' ')[1]);
}

/** How often the threads of a process waited for something (/proc/PID/task, proc(5)). */
async function countSleeps(pid: number): Promise<number> {
  const threads = await readdir(`/proc/${pid}/task`);
  const sleeps = threads.map(async (thread) => {
    const status = await readFile(`/proc/${pid}/task/${thread}/status`, 'utf8');
    return Number(/^voluntary_ctxt_switches:\s+(\d+)$/m.exec(status)![1]);
  });
  return (await Promise.all(sleeps)).reduce((sum, count) => sum + count, 0);
}
