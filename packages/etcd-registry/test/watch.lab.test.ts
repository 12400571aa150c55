import { startEtcd, startEtcdCluster, type Etcd } from '@flannel-ts/lab';
import { createRecordingLog } from '@flannel-ts/subnet/testing';
import { describe, expect, it, vi } from 'vitest';
import { createEtcdRegistry } from '../src/index.ts';
import { followThrough, type Role } from './follow-through.ts';
import { follow, gatedClock, levels, PREFIX, putLeases, startRelay, subnetKey } from './support.ts';

describe('a watch', () => {
  it('loses and repeats nothing of 3,000 puts while etcd is killed three times', async () => {
    await using etcd = await startEtcd();
    const log = createRecordingLog();
    await using registry = createEtcdRegistry({ log }, { endpoints: etcd.endpoints, api: 'v3' });
    await using watch = follow(registry);
    await watch.until(() => watch.events.length === 1);
    const keys = Array.from({ length: 3_000 }, (_, index) => subnetKey(index));
    for (const part of [0, 1, 2]) {
      const start = part * 1_000;
      await putLeases(etcd, keys.slice(start, start + 500));
      await etcd.kill();
      await etcd.restart();
      await putLeases(etcd, keys.slice(start + 500, start + 1_000));
      // Each outage is told before the next.
      await expect.poll(() => levels(log)).toHaveLength(2 * (part + 1));
    }
    await watch.until(() => watch.words().length > 3_000);
    expect(watch.words()).toEqual(['snapshot', ...keys.map((key) => `put ${key}`)]);
    expect(levels(log)).toEqual(['warn', 'info', 'warn', 'info', 'warn', 'info']);
  });

  it('yields another snapshot when its changes were compacted while it was away', async () => {
    await using etcd = await startEtcd();
    await using relay = await startRelay(etcd);
    const log = createRecordingLog();
    const gate = gatedClock();
    await using registry = createEtcdRegistry(
      { log, clock: gate.clock },
      { endpoints: [relay.endpoint], api: 'v3' },
    );
    await using watch = follow(registry);
    await watch.until(() => watch.events.length === 1);
    await putLeases(etcd, ['10.5.1.0-24', '10.5.2.0-24']);
    await watch.until(() => watch.events.length === 2);
    relay.cut();
    await expect.poll(() => levels(log)).toEqual(['warn']);
    await putLeases(etcd, ['10.5.3.0-24']);
    await etcd.etcdctl('del', `${PREFIX}/subnets/10.5.1.0-24`);
    await etcd.compact();
    gate.open();
    await watch.until(() => watch.events.length === 3);
    await putLeases(etcd, ['10.5.4.0-24']);
    await watch.until(() => watch.events.length === 4);
    expect(watch.words()).toEqual([
      'snapshot',
      'put 10.5.1.0-24',
      'put 10.5.2.0-24',
      'snapshot 10.5.2.0-24 10.5.3.0-24',
      'put 10.5.4.0-24',
    ]);
  });

  it('yields another snapshot when etcd comes back at an earlier revision, as from a backup', async () => {
    await using etcd = await startEtcd();
    await using restored = await startEtcd();
    await using relay = await startRelay(etcd);
    await using registry = createEtcdRegistry(
      { log: createRecordingLog() },
      { endpoints: [relay.endpoint], api: 'v3' },
    );
    await putLeases(etcd, ['10.5.1.0-24']);
    await putLeases(etcd, ['10.5.2.0-24']);
    await putLeases(restored, ['10.5.1.0-24']);
    await using watch = follow(registry);
    await watch.until(() => watch.events.length === 1);
    relay.lead(restored);
    relay.cut();
    await watch.until(() => watch.events.length === 2);
    expect(watch.words()).toEqual(['snapshot 10.5.1.0-24 10.5.2.0-24', 'snapshot 10.5.1.0-24']);
  });

  it('begins when etcd does', async () => {
    await using etcd = await startEtcd();
    await etcd.kill();
    const log = createRecordingLog();
    await using registry = createEtcdRegistry({ log }, { endpoints: etcd.endpoints, api: 'v3' });
    await using watch = follow(registry);
    await expect.poll(() => levels(log)).toEqual(['warn']);
    await etcd.restart();
    await watch.until(() => watch.events.length === 1);
    expect(levels(log)).toEqual(['warn', 'info']);
  });
});

describe('with three members', () => {
  const losses = [
    // A member that is silent is left after 3 s; gRPC itself would notice it after 12 s.
    { role: 'follower', fail: 'kill', withinMs: 10_000 },
    { role: 'follower', fail: 'stop', withinMs: 10_000 },
    // etcd takes a while to elect another leader.
    { role: 'leader', fail: 'stop', withinMs: 20_000 },
  ] as const;
  for (const { role, fail, withinMs } of losses) {
    it(`a watch goes on within ${withinMs / 1000} s after ${fail} of the ${role} in use`, async () => {
      await using cluster = await startEtcdCluster(3);
      const { used, watch, registry, log, ...handles } = await followThrough(cluster, role, {
        api: 'v3',
        roleOf,
      });
      await using _ = handles.stack;
      const other = cluster.members[(used + 1) % 3]!;
      await putLeases(other, ['10.5.1.0-24']);
      await watch.until(() => watch.events.length === 2);
      const start = performance.now();
      await cluster.members[used]![fail]();
      const written = vi.waitFor(() => putLeases(other, ['10.5.2.0-24']), { timeout: withinMs });
      await Promise.all([written, watch.until(() => watch.events.length === 3)]);
      expect(performance.now() - start).toBeLessThan(withinMs);
      expect(await registry.readLeases()).toHaveLength(2);
      expect(watch.words()).toEqual(['snapshot', 'put 10.5.1.0-24', 'put 10.5.2.0-24']);
      expect(levels(log)).toEqual(['warn', 'info']);
    });
  }
});

async function roleOf(member: Etcd): Promise<Role> {
  const [status] = JSON.parse(await member.etcdctl('endpoint', 'status', '--write-out=json')) as {
    Status: { leader: number; header: { member_id: number } };
  }[];
  return status!.Status.leader === status!.Status.header.member_id ? 'leader' : 'follower';
}
