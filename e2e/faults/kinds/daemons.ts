import { setTimeout as delay } from 'node:timers/promises';
import { seconds, type Fault } from '../fault.ts';
import { violations } from '../invariants.ts';
import { TTL_S } from '../world.ts';

/** What becomes of a daemon's process. */
export const daemonFaults: readonly Fault[] = [
  {
    kind: 'daemon killed',
    combines: true,
    async inject({ hosts }, random) {
      const host = random.pick(hosts);
      const holdMs = seconds(random, 0, 6);
      await host.kill();
      return { what: `${host.name} for ${holdMs} ms`, holdMs, heal: async () => host.startDaemon() };
    },
  },
  {
    kind: 'daemon killed while it starts',
    async inject({ hosts }, random) {
      const host = random.pick(hosts);
      const moments = Array.from({ length: random.integer(2, 5) }, () => seconds(random, 0, 2));
      for (const ms of moments) {
        await host.kill();
        host.startDaemon();
        await delay(ms);
      }
      await host.kill();
      const what = `${host.name} after ${moments.join(', ')} ms`;
      return { what, holdMs: 0, heal: async () => host.startDaemon() };
    },
  },
  {
    kind: 'all daemons killed',
    async inject({ hosts }, random) {
      const holdMs = seconds(random, 0, 5);
      await Promise.all(hosts.map((host) => host.kill()));
      const heal = async () => {
        for (const host of hosts) host.startDaemon();
      };
      return { what: `for ${holdMs} ms`, holdMs, heal };
    },
  },
  {
    kind: 'daemon ended and started',
    async inject({ hosts }, random) {
      const host = random.pick(hosts);
      await host.kill('SIGTERM');
      return { what: host.name, holdMs: 0, heal: async () => host.startDaemon() };
    },
  },
  {
    kind: 'host gone beyond its lease',
    async inject(world, random) {
      const host = random.pick(world.hosts);
      await host.kill();
      const effect = async () => {
        const left = await world.client.leases();
        if (left.some(({ publicIp }) => publicIp === host.underlayAddress)) return 'its lease is still there';
        return (await violations(world))[0];
      };
      return { what: host.name, holdMs: 0, effect, heal: async () => host.startDaemon() };
    },
  },
  {
    kind: 'daemon paused for less than its lease',
    combines: true,
    async inject({ hosts }, random) {
      const host = random.pick(hosts);
      const holdMs = seconds(random, 1, TTL_S / 2);
      await host.daemon.freeze();
      const heal = async () => host.daemon.signal('SIGCONT');
      return { what: `${host.name} for ${holdMs} ms`, holdMs, heal };
    },
  },
  {
    kind: 'daemon paused for longer than its lease',
    async inject(world, random) {
      const host = random.pick(world.hosts);
      await host.daemon.freeze();
      const effect = async () => {
        const left = await world.client.leases();
        const isThere = left.some(({ publicIp }) => publicIp === host.underlayAddress);
        return isThere ? 'its lease is still there' : undefined;
      };
      const heal = async () => host.daemon.signal('SIGCONT');
      return { what: host.name, holdMs: seconds(random, 0, 3), effect, heal };
    },
  },
];
