import { setTimeout as delay } from 'node:timers/promises';
import type { Etcd } from '@flannel-ts/lab';
import { seconds, unready, type Fault } from '../fault.ts';
import type { FaultHost } from '../host.ts';
import { TTL_S, type World } from '../world.ts';

const AWAY = /(registry|lease) failing since \S+ .*(etcd|lease cannot be renewed)/;

/** What becomes of the way to etcd and between hosts. */
export const pathFaults: readonly Fault[] = [
  {
    kind: 'etcd slow',
    async inject({ etcd }, random) {
      const [pausedMs, runningMs] = [random.integer(200, 800), random.integer(20, 100)];
      const slow = slowDown(etcd.members, { pausedMs, runningMs });
      const what = `paused for ${pausedMs} ms after every ${runningMs} ms`;
      return { what, holdMs: seconds(random, 3, 15), heal: () => slow.end() };
    },
  },
  {
    kind: 'etcd lossy',
    async inject(world, random) {
      const percent = random.integer(5, 40);
      const loss = ['-m', 'statistic', '--mode', 'random', '--probability', `${percent / 100}`];
      const rule = ['INPUT', '-i', 'br0', '-p', 'tcp', ...loss, '-j', 'DROP'];
      await world.inUnderlay('iptables', '-I', ...rule);
      const heal = () => world.inUnderlay('iptables', '-D', ...rule);
      return { what: `${percent} %`, holdMs: seconds(random, 3, 15), heal };
    },
  },
  {
    kind: 'one etcd endpoint black-holed',
    async inject(world, random) {
      const endpoint = random.pick(world.etcd.endpoints);
      const rule = dropTo(endpoint);
      await world.inUnderlay('iptables', '-I', 'INPUT', '-i', 'br0', ...rule);
      const heal = () => world.inUnderlay('iptables', '-D', 'INPUT', '-i', 'br0', ...rule);
      return { what: endpoint, holdMs: seconds(random, 3, 15), heal };
    },
  },
  {
    kind: 'all etcd endpoints black-holed',
    async inject(world, random) {
      const rules = world.etcd.endpoints.map(dropTo);
      for (const rule of rules) await world.inUnderlay('iptables', '-I', 'INPUT', '-i', 'br0', ...rule);
      const heal = async () => {
        for (const rule of rules) await world.inUnderlay('iptables', '-D', 'INPUT', '-i', 'br0', ...rule);
      };
      return { what: '', holdMs: seconds(random, 0, 5), effect: unready(world.hosts, AWAY), heal };
    },
  },
  {
    kind: 'one host cut off from etcd',
    async inject(world, random) {
      const host = random.pick(world.hosts);
      await cutOff(world, host, '-I');
      const holdMs = seconds(random, 0, 1.5 * TTL_S);
      const heal = () => cutOff(world, host, '-D');
      return { what: `${host.name} for ${holdMs} ms`, holdMs, effect: unready([host], AWAY), heal };
    },
  },
  {
    kind: 'underlay lossy',
    combines: true,
    async inject({ hosts, lab: { underlay } }, random) {
      const host = random.pick(hosts);
      const percent = random.integer(5, 30);
      // Every frame that the host sends, as it arrives at the bridge.
      const chain = `{ type filter hook ingress device "${host.name}" priority 0; }`;
      await underlay.run('nft', 'add', 'table', 'netdev', 'loss');
      await underlay.run('nft', 'add', 'chain', 'netdev', 'loss', 'frames', chain);
      const drop = `numgen random mod 100 < ${percent} drop`;
      await underlay.run('nft', 'add', 'rule', 'netdev', 'loss', 'frames', drop);
      const heal = () => underlay.run('nft', 'delete', 'table', 'netdev', 'loss');
      return { what: `${host.name} ${percent} %`, holdMs: seconds(random, 2, 10), heal };
    },
  },
];

/** Pauses all members again and again. */
function slowDown(
  members: readonly Etcd[],
  { pausedMs, runningMs }: { readonly pausedMs: number; readonly runningMs: number },
): { end(): Promise<void> } {
  const over = new AbortController();
  const loop = async () => {
    while (!over.signal.aborted) {
      await Promise.all(members.map((member) => member.stop()));
      await delay(pausedMs);
      for (const member of members) member.cont();
      await delay(runningMs);
    }
  };
  const done = loop();
  done.catch(() => undefined); // thrown where it is awaited
  return {
    end() {
      over.abort();
      return done;
    },
  };
}

function dropTo(endpoint: string): string[] {
  return ['-p', 'tcp', '--dport', new URL(endpoint).port, '-j', 'DROP'];
}

async function cutOff(world: World, host: FaultHost, operation: '-I' | '-D'): Promise<void> {
  const rule = ['-s', host.underlayAddress, '-p', 'tcp', '-j', 'DROP'];
  await world.inUnderlay('iptables', operation, 'INPUT', ...rule);
}
