import { startEtcd, startEtcdCluster, type Etcd } from '@flannel-ts/lab';
import { createRecordingLog } from '@flannel-ts/subnet/testing';
import { describe, expect, it, vi } from 'vitest';
import { createEtcdRegistry, type RegistryEvent } from '../src/index.ts';
import { followThrough, QUICK, type Role } from './follow-through.ts';
import {
  APIS,
  levels,
  openAndFollow,
  PREFIX,
  putLeases,
  putLeasesOver,
  startRelay,
  subnetKey,
} from './support.ts';

describe.each(APIS)('the watch of the leases over %s', (api) => {
  const put = (etcd: Etcd, names: readonly string[]) => putLeasesOver(api, etcd, names);
  const start = () => startEtcd({ enableV2: true });

  it('loses and repeats nothing of 900 puts while etcd is killed three times', async () => {
    await using etcd = await start();
    await using opened = openAndFollow({ endpoints: etcd.endpoints, api });
    const { watch, kinds } = opened;
    await watch.until(() => watch.events.length === 1);
    const keys = Array.from({ length: 900 }, (_, index) => subnetKey(index));
    for (const part of [0, 1, 2]) {
      const start = part * 300;
      await put(etcd, keys.slice(start, start + 150));
      await etcd.kill();
      await etcd.restart();
      await put(etcd, keys.slice(start + 150, start + 300));
      // Each outage is reported before the next.
      await vi.waitFor(() => expect(kinds()).toHaveLength(2 * (part + 1)), 20_000);
    }
    await watch.until(() => watch.changes().length >= 900);
    expect(watch.changes().sort()).toEqual(keys.map((key) => `put ${key}`).sort());
    expect(kinds()).toEqual(Array.from({ length: 3 }, () => ['interrupted', 'restored']).flat());
  });

  for (const [revision, writes] of [
    ['an earlier', 0],
    ['a later', 20],
  ] as const) {
    it(`ends with what an etcd holds that was restored from a backup and is at ${revision} revision`, async () => {
      await using etcd = await start();
      await using restored = await start();
      await using relay = await startRelay(etcd);
      await put(etcd, ['10.5.1.0-24', '10.5.2.0-24']);
      await put(restored, ['10.5.1.0-24']);
      for (let index = 0; index < writes; index++) await put(restored, ['10.5.4.0-24']);
      await using opened = openAndFollow({ endpoints: [relay.endpoint], api });
      const { watch } = opened;
      await watch.until(() => watch.events.length === 1);
      await put(etcd, ['10.5.3.0-24']);
      await watch.until(() => watch.leases().length === 3);
      relay.lead(restored);
      relay.cut();
      const expected = writes === 0 ? ['10.5.1.0-24'] : ['10.5.1.0-24', '10.5.4.0-24'];
      await expect.poll(() => watch.leases()).toEqual(expected);
      await put(restored, ['10.5.5.0-24']);
      await expect.poll(() => watch.leases()).toEqual([...expected, '10.5.5.0-24']);
    });
  }

  it('is compared with a listing now and then, and nothing is reported while both agree', async () => {
    await using etcd = await start();
    await using opened = openAndFollow({ endpoints: etcd.endpoints, api, relistMs: 200 });
    const { watch, log, kinds } = opened;
    await watch.until(() => watch.events.length === 1);
    await put(etcd, ['10.5.1.0-24']);
    const snapshots = () => watch.words().filter((words) => words === 'snapshot 10.5.1.0-24').length;
    await watch.until(() => snapshots() >= 3);
    expect(watch.changes()).toEqual(['put 10.5.1.0-24']);
    expect(kinds()).toEqual([]);
    expect(levels(log)).toEqual([]);
  });

  it('goes on over another endpoint when the one in use is black-holed', async () => {
    await using etcd = await start();
    await using relay = await startRelay(etcd);
    const endpoints = [relay.endpoint, ...etcd.endpoints];
    await using opened = openAndFollow({ endpoints, api }, { random: () => 0 }, QUICK);
    const { watch, kinds } = opened;
    await watch.until(() => watch.events.length === 1);
    relay.blackHole();
    await put(etcd, ['10.5.1.0-24']);
    await watch.until(() => watch.leases().length === 1);
    await expect.poll(kinds).toEqual(['interrupted', 'restored']);
  });

  it('begins when etcd does', async () => {
    await using etcd = await start();
    await etcd.kill();
    await using opened = openAndFollow({ endpoints: etcd.endpoints, api });
    const { watch, log, reports, kinds } = opened;
    await expect.poll(kinds).toEqual(['interrupted']);
    expect(reports[0]).toEqual({
      kind: 'interrupted',
      reason: expect.stringContaining('ECONNREFUSED') as string,
    });
    await etcd.restart();
    await watch.until(() => watch.events.length === 1);
    await expect.poll(kinds).toEqual(['interrupted', 'restored']);
    expect(levels(log)).toEqual([]);
  });
});

it.each(APIS)('a watch of the config over %s yields what was written during an outage', async (api) => {
  await using etcd = await startEtcd({ enableV2: true });
  await using relay = await startRelay(etcd);
  const write = (text: string) =>
    api === 'v2'
      ? etcd.etcdctlV2('set', `${PREFIX}/config`, text)
      : etcd.etcdctl('put', `${PREFIX}/config`, text);
  await write('first');
  const reports: RegistryEvent[] = [];
  await using registry = createEtcdRegistry(
    { log: createRecordingLog(), onEvent: (event) => void reports.push(event) },
    { endpoints: [relay.endpoint], api },
  );
  const texts = registry.watchConfig()[Symbol.asyncIterator]();
  expect((await texts.next()).value).toBe('first');
  let next = texts.next();
  await write('second');
  expect((await next).value).toBe('second');
  next = texts.next();
  relay.blackHole();
  relay.cut();
  await expect.poll(() => reports.map(({ kind }) => kind)).toEqual(['interrupted']);
  await write('third');
  relay.recover();
  expect((await next).value).toBe('third');
  await texts.return?.();
});

describe.each(APIS)('with three members, over %s', (api) => {
  const losses = [
    { role: 'follower', fail: 'kill', withinMs: 10_000 },
    // A member that is silent is left after 6 s over v3 and 11 s over v2, with the liveness of this test.
    { role: 'follower', fail: 'stop', withinMs: 20_000 },
    // etcd takes a while to elect another leader.
    { role: 'leader', fail: 'stop', withinMs: 30_000 },
  ] as const;
  for (const { role, fail, withinMs } of losses) {
    it(`the watch goes on within ${withinMs / 1000} s after ${fail} of the ${role} in use`, async () => {
      await using cluster = await startEtcdCluster(3, { enableV2: true });
      const roleOf = api === 'v2' ? roleOverV2 : roleOverV3;
      const { used, watch, registry, kinds, ...handles } = await followThrough(cluster, role, {
        api,
        roleOf,
      });
      await using _ = handles.stack;
      const other = cluster.members[(used + 1) % 3]!;
      await putLeasesOver(api, other, ['10.5.1.0-24']);
      await watch.until(() => watch.leases().length === 1);
      const start = performance.now();
      await cluster.members[used]![fail]();
      const write = () => putLeasesOver(api, other, ['10.5.2.0-24']);
      const written = vi.waitFor(write, { timeout: withinMs });
      await Promise.all([written, watch.until(() => watch.leases().length === 2)]);
      expect(performance.now() - start).toBeLessThan(withinMs);
      expect(await registry.readLeases()).toHaveLength(2);
      expect(watch.changes()).toEqual(['put 10.5.1.0-24', 'put 10.5.2.0-24']);
      await expect.poll(kinds).toEqual(['interrupted', 'restored']);
    });
  }
});

it('a watch over v3 survives a compaction of what it has seen', async () => {
  await using etcd = await startEtcd();
  await using opened = openAndFollow({ endpoints: etcd.endpoints, api: 'v3' });
  const { watch, kinds } = opened;
  await watch.until(() => watch.events.length === 1);
  await putLeases(etcd, ['10.5.1.0-24']);
  await watch.until(() => watch.events.length === 2);
  await etcd.etcdctl('del', `${PREFIX}/subnets/10.5.1.0-24`);
  await etcd.compact();
  await putLeases(etcd, ['10.5.2.0-24']);
  await watch.until(() => watch.changes().length === 3);
  expect(watch.changes()).toEqual(['put 10.5.1.0-24', 'removed 10.5.1.0-24', 'put 10.5.2.0-24']);
  expect(kinds()).toEqual([]);
});

async function roleOverV3(member: Etcd): Promise<Role> {
  const [status] = JSON.parse(await member.etcdctl('endpoint', 'status', '--write-out=json')) as {
    Status: { leader: number; header: { member_id: number } };
  }[];
  return status!.Status.leader === status!.Status.header.member_id ? 'leader' : 'follower';
}

async function roleOverV2(member: Etcd): Promise<Role> {
  const members = (await member.etcdctlV2('member', 'list')).split('\n');
  const own = members.find((line) => line.includes(`clientURLs=${member.endpoints[0]!} `));
  return own?.endsWith('isLeader=true') ? 'leader' : 'follower';
}
