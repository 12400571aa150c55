import type { RunningProcess } from '@flannel-ts/lab';
import type { FaultHost } from './host.ts';

/** Watches whether containers reach each other while a fault is on. */
export interface Probe {
  /** Ends the watch. @returns the longest time without an answer on any path, in milliseconds */
  end(): Promise<number>;
}

/** Milliseconds between requests of a path. */
const INTERVAL_MS = 100;

/**
 * Pings in a ring, from each live host's container to the next one's. A container that gets another address does not
 * answer at the former one any more: its path counts as interrupted to the end.
 */
export async function startProbe(hosts: readonly FaultHost[]): Promise<Probe> {
  const live = hosts.filter((host) => host.live);
  const containers = await Promise.all(live.map((host) => host.fitContainer()));
  const startedAt = Date.now();
  const paths = containers.map((from, index) => {
    const to = containers[(index + 1) % containers.length]!;
    const answers = [startedAt];
    const ping = from.start(['ping', '-n', '-i', `${INTERVAL_MS / 1000}`, to.address]);
    ping.onLine((line) => {
      if (line.includes('time=')) answers.push(Date.now());
    });
    return { ping, answers };
  });
  return {
    async end() {
      const endedAt = Date.now();
      await Promise.all(paths.map(({ ping }) => endNow(ping)));
      const gaps = paths.flatMap(({ answers }) => {
        const times = [...answers, endedAt];
        return times.slice(1).map((time, index) => time - times[index]!);
      });
      return Math.max(0, ...gaps);
    },
  };
}

async function endNow(ping: RunningProcess): Promise<void> {
  ping.signal('SIGKILL');
  await ping.exited;
}
