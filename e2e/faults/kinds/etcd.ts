import { join } from 'node:path';
import { seconds, unready, type Fault } from '../fault.ts';
import type { World } from '../world.ts';

/** What a daemon reports when etcd does not answer. */
const ETCD_AWAY = /(registry|lease) failing since \S+ .*(etcd|lease cannot be renewed)/;

/** What becomes of etcd and its data. */
export const etcdFaults: readonly Fault[] = [
  {
    kind: 'etcd member killed',
    combines: true,
    async inject({ etcd }, random) {
      const index = random.integer(0, 2);
      await etcd.members[index]!.kill();
      const heal = () => etcd.members[index]!.restart();
      return { what: `member${index}`, holdMs: seconds(random, 1, 6), heal };
    },
  },
  {
    kind: 'etcd member frozen',
    combines: true,
    async inject({ etcd }, random) {
      const index = random.integer(0, 2);
      await etcd.members[index]!.stop();
      const heal = async () => etcd.members[index]!.cont();
      return { what: `member${index}`, holdMs: seconds(random, 1, 12), heal };
    },
  },
  {
    kind: 'etcd quorum lost',
    async inject({ etcd, hosts }, random) {
      const survivor = random.integer(0, 2);
      const killed = etcd.members.filter((_, index) => index !== survivor);
      await Promise.all(killed.map((member) => member.kill()));
      const heal = async () => {
        await Promise.all(killed.map((member) => member.restart()));
      };
      const effect = unready(hosts, ETCD_AWAY);
      return { what: `only member${survivor} is left`, holdMs: seconds(random, 0, 5), effect, heal };
    },
  },
  {
    kind: 'etcd away',
    async inject({ etcd, hosts }, random) {
      await Promise.all(etcd.members.map((member) => member.kill()));
      const heal = async () => {
        await Promise.all(etcd.members.map((member) => member.restart()));
      };
      const holdMs = seconds(random, 0, 10);
      return { what: `for ${holdMs} ms`, holdMs, effect: unready(hosts, ETCD_AWAY), heal };
    },
  },
  {
    kind: 'etcd leader moved',
    async inject({ client, etcd }, random) {
      const status = JSON.parse(await client.etcdctl(['endpoint', 'status', '--write-out=json'])) as {
        Status: { leader: number; header: { member_id: number } };
      }[];
      // Ids are larger than a number holds: the text has them.
      const text = await client.etcdctl(['member', 'list']);
      const ids = [...text.matchAll(/^([0-9a-f]+),/gm)].map(([, id]) => id!);
      const isLeader = ({ Status: { leader, header } }: (typeof status)[number]) =>
        leader === header.member_id;
      const leader = etcd.endpoints[status.findIndex(isLeader)] ?? etcd.endpoints[0]!;
      const to = random.pick(ids);
      // To itself, it refuses.
      await client.etcdctl(['move-leader', to], { endpoints: [leader] }).catch(() => undefined);
      return { what: '', holdMs: seconds(random, 0, 3), heal: async () => undefined };
    },
  },
  {
    kind: 'etcd compacted while a daemon is paused',
    async inject(world, random) {
      const host = random.pick(world.hosts);
      await host.daemon.freeze();
      await churn(world, random.integer(5, 50));
      const { revision } = await world.client.listing();
      await world.client.etcdctl(['compact', '--physical', `${revision}`]);
      const heal = async () => host.daemon.signal('SIGCONT');
      return { what: `${host.name} at revision ${revision}`, holdMs: seconds(random, 0, 3), heal };
    },
  },
  {
    kind: 'etcd wiped',
    async inject(world, random) {
      await world.replaceData();
      const holdMs = seconds(random, 0, 5);
      const heal = () => world.configure(world.network);
      return { what: `without a config for ${holdMs} ms`, holdMs, heal };
    },
  },
  {
    kind: 'etcd restored from a snapshot',
    async inject(world, random) {
      const file = join(world.lab.directory, 'snapshot.db');
      await world.client.etcdctl(['snapshot', 'save', file], { endpoints: [world.etcd.endpoints[0]!] });
      const later = random.integer(0, 60);
      await churn(world, later);
      const restarted = random.chance(0.5) ? random.pick(world.hosts) : undefined;
      await restarted?.kill();
      restarted?.startDaemon();
      await world.replaceData(file);
      // The new history may be longer than the old one when the daemons see it.
      const past = random.chance(0.5) ? later + 20 : 0;
      await churn(world, past);
      const what = `${later} writes older, then ${past} more; ${restarted?.name ?? 'no host'} restarted before`;
      return { what, holdMs: 0, extraMs: 20_000, heal: async () => world.configure(world.network) };
    },
  },
];

/** Makes revisions. */
async function churn({ client }: World, revisions: number): Promise<void> {
  if (revisions > 0) await client.etcdctl(['put', '/churn', '0']);
  for (let count = 1; count < revisions; count++) await client.etcdctl(['put', '/churn', `${count}`]);
}
