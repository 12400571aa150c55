import { setTimeout as delay } from 'node:timers/promises';
import { PREFIX } from '../etcd-client.ts';
import { seconds, type Fault } from '../fault.ts';
import { NETWORKS } from '../networks.ts';

const CONFIG = `${PREFIX}/config`;

const BROKEN: readonly string[] = [
  'no JSON',
  '{}',
  '{"Network":"10.5.0.0/99"}',
  '{"Network":"10.5.0.0/16","SubnetLen":99}',
  '{"Network":"10.5.0.0/16","Backend":{"Type":"warp"}}',
  '{"Network":"10.5.0.0/16","Backend":{"Type":"vxlan","VNI":-1}}',
];

/** What becomes of the network config. A change stays. */
export const configFaults: readonly Fault[] = [
  // The first: what runs begin with, after any other.
  ...NETWORKS.slice(1).map((network): Fault => ({
    kind: `config: ${network.name}`,
    async inject(world) {
      const next = world.network === network ? NETWORKS[0]! : network;
      const what = `from ${world.network.name} to ${next.name}`;
      await world.configure(next);
      return { what, holdMs: 0, heal: async () => undefined };
    },
  })),
  {
    kind: 'config changed several times',
    async inject(world, random) {
      const names: string[] = [];
      for (let count = random.integer(2, 6); count > 0; count--) {
        const network = random.pick(NETWORKS);
        names.push(network.name);
        await world.configure(network);
        await delay(seconds(random, 0, 1));
      }
      return { what: names.join('; '), holdMs: 0, heal: async () => undefined };
    },
  },
  {
    kind: 'config broken',
    async inject(world, random) {
      const broken = random.pick(BROKEN);
      await world.client.etcdctl(['put', CONFIG], { input: broken });
      const heal = () => world.configure(world.network);
      return { what: broken, holdMs: seconds(random, 1, 5), heal };
    },
  },
  {
    kind: 'config deleted',
    async inject(world, random) {
      await world.client.etcdctl(['del', CONFIG]);
      return { what: '', holdMs: seconds(random, 1, 5), heal: () => world.configure(world.network) };
    },
  },
];
