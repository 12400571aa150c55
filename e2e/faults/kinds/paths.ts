import { seconds, unready, type Fault } from '../fault.ts';
import type { FaultHost } from '../host.ts';
import { TTL_S, type World } from '../world.ts';

const AWAY = /(registry|lease) failing since \S+ .*(etcd|lease cannot be renewed)/;

/** What becomes of the way to etcd and between hosts. */
export const pathFaults: readonly Fault[] = [
  {
    kind: 'etcd slow',
    async inject(world, random) {
      const ms = random.integer(100, 1_500);
      // Hosts are ports of the bridge: only what etcd sends goes through its own interface.
      await world.inUnderlay('tc', 'qdisc', 'add', 'dev', 'br0', 'root', 'netem', 'delay', `${ms}ms`, '50ms');
      const heal = async () => void (await world.inUnderlay('tc', 'qdisc', 'del', 'dev', 'br0', 'root'));
      return { what: `${ms} ms`, holdMs: seconds(random, 3, 15), heal };
    },
  },
  {
    kind: 'etcd lossy',
    async inject(world, random) {
      const percent = random.integer(5, 40);
      await world.inUnderlay('tc', 'qdisc', 'add', 'dev', 'br0', 'root', 'netem', 'loss', `${percent}%`);
      const heal = async () => void (await world.inUnderlay('tc', 'qdisc', 'del', 'dev', 'br0', 'root'));
      return { what: `${percent} %`, holdMs: seconds(random, 3, 15), heal };
    },
  },
  {
    kind: 'one etcd endpoint black-holed',
    async inject(world, random) {
      const endpoint = random.pick(world.etcd.endpoints);
      const rule = dropTo(endpoint);
      await world.inUnderlay('iptables', '-I', 'INPUT', '-i', 'br0', ...rule);
      const heal = async () => void (await world.inUnderlay('iptables', '-D', 'INPUT', '-i', 'br0', ...rule));
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
    async inject({ hosts }, random) {
      const host = random.pick(hosts);
      const percent = random.integer(5, 30);
      const netem = ['netem', 'loss', `${percent}%`, 'delay', `${random.integer(1, 100)}ms`, '20ms'];
      await host.run('tc', 'qdisc', 'add', 'dev', 'eth0', 'root', ...netem);
      const heal = async () => void (await host.run('tc', 'qdisc', 'del', 'dev', 'eth0', 'root'));
      return { what: `${host.name}: ${netem.join(' ')}`, holdMs: seconds(random, 2, 10), heal };
    },
  },
];

function dropTo(endpoint: string): string[] {
  return ['-p', 'tcp', '--dport', new URL(endpoint).port, '-j', 'DROP'];
}

async function cutOff(world: World, host: FaultHost, operation: '-I' | '-D'): Promise<void> {
  const rule = ['-s', host.underlayAddress, '-p', 'tcp', '-j', 'DROP'];
  await world.inUnderlay('iptables', operation, 'INPUT', ...rule);
}
