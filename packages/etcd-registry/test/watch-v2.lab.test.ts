import { startEtcd, startEtcdCluster, type Etcd } from '@flannel-ts/lab';
import type { Clock } from '@flannel-ts/subnet';
import { createRecordingLog } from '@flannel-ts/subnet/testing';
import { describe, expect, it, vi } from 'vitest';
import { createEtcdRegistry } from '../src/index.ts';
import { followThrough, type Role } from './follow-through.ts';
import { follow, gatedClock, levels, PREFIX, putAll2, startRelay, subnetKey } from './support.ts';

const putLeases = (etcd: Etcd, names: readonly string[]) =>
  putAll2(
    etcd,
    names.map((name) => `${PREFIX}/subnets/${name}`),
  );

const snapshotOf = (...names: string[]) => ['snapshot', ...names].join(' ');

function open(
  endpoints: readonly string[],
  components: { readonly clock?: Clock; readonly random?: () => number } = {},
) {
  const log = createRecordingLog();
  const registry = createEtcdRegistry({ log, ...components }, { endpoints, api: 'v2' });
  const watch = follow(registry);
  return {
    log,
    registry,
    watch,
    async [Symbol.asyncDispose]() {
      await watch[Symbol.asyncDispose]();
      await registry[Symbol.asyncDispose]();
    },
  };
}

describe('a watch', () => {
  it('loses and repeats nothing of 1,500 puts while etcd is killed three times', async () => {
    await using etcd = await startEtcd({ enableV2: true });
    await using opened = open(etcd.endpoints);
    const { watch, log } = opened;
    await watch.until(() => watch.events.length === 1);
    const keys = Array.from({ length: 1_500 }, (_, index) => subnetKey(index));
    for (const part of [0, 1, 2]) {
      const start = part * 500;
      await putLeases(etcd, keys.slice(start, start + 250));
      await etcd.kill();
      await etcd.restart();
      await putLeases(etcd, keys.slice(start + 250, start + 500));
      // Each outage is told before the next.
      await expect.poll(() => levels(log)).toHaveLength(2 * (part + 1));
    }
    await watch.until(() => watch.words().length > 1_500);
    expect(watch.words()).toEqual(['snapshot', ...keys.map((key) => `put ${key}`)]);
    expect(levels(log)).toEqual(['warn', 'info', 'warn', 'info', 'warn', 'info']);
  });

  it('yields another snapshot when etcd has cleared its changes while it was away', async () => {
    await using etcd = await startEtcd({ enableV2: true });
    await using relay = await startRelay(etcd);
    const log = createRecordingLog();
    const gate = gatedClock();
    await using registry = createEtcdRegistry(
      { log, clock: gate.clock },
      { endpoints: [relay.endpoint], api: 'v2' },
    );
    await using watch = follow(registry);
    await watch.until(() => watch.events.length === 1);
    await putLeases(etcd, ['10.5.1.0-24', '10.5.2.0-24']);
    await watch.until(() => watch.events.length === 3);
    relay.cut();
    await expect.poll(() => levels(log)).toEqual(['warn']);
    await putLeases(etcd, ['10.5.3.0-24']);
    await etcd.etcdctlV2('rm', `${PREFIX}/subnets/10.5.1.0-24`);
    // etcd remembers 1,000 changes, of all keys together.
    await putAll2(
      etcd,
      Array.from({ length: 1_000 }, () => '/others'),
    );
    gate.open();
    await watch.until(() => watch.events.length === 4);
    await putLeases(etcd, ['10.5.4.0-24']);
    await watch.until(() => watch.events.length === 5);
    expect(watch.words()).toEqual([
      'snapshot',
      'put 10.5.1.0-24',
      'put 10.5.2.0-24',
      snapshotOf('10.5.2.0-24', '10.5.3.0-24'),
      'put 10.5.4.0-24',
    ]);
  });

  it('is not bothered by 1,100 changes of other keys', async () => {
    await using etcd = await startEtcd({ enableV2: true });
    // Without the heartbeat, which a stall of this machine fails.
    await using opened = open(etcd.endpoints, { clock: gatedClock().clock });
    const { watch, log } = opened;
    await watch.until(() => watch.events.length === 1);
    await putAll2(
      etcd,
      Array.from({ length: 1_100 }, () => '/others'),
    );
    await putLeases(etcd, ['10.5.1.0-24']);
    await watch.until(() => watch.events.length === 2);
    await putLeases(etcd, ['10.5.2.0-24']);
    await watch.until(() => watch.events.length === 3);
    expect(watch.words()).toEqual(['snapshot', 'put 10.5.1.0-24', 'put 10.5.2.0-24']);
    expect(levels(log)).toEqual([]);
  });

  it('yields another snapshot when the directory of the leases is deleted', async () => {
    await using etcd = await startEtcd({ enableV2: true });
    await putLeases(etcd, ['10.5.1.0-24', '10.5.2.0-24']);
    await using opened = open(etcd.endpoints);
    const { watch } = opened;
    await watch.until(() => watch.events.length === 1);
    await etcd.etcdctlV2('rm', '--recursive', PREFIX);
    await watch.until(() => watch.events.length === 2);
    await putLeases(etcd, ['10.5.3.0-24']);
    await watch.until(() => watch.events.length === 3);
    expect(watch.words()).toEqual([snapshotOf('10.5.1.0-24', '10.5.2.0-24'), 'snapshot', 'put 10.5.3.0-24']);
  });

  it('yields another snapshot when etcd comes back at an earlier index, as from a backup', async () => {
    await using etcd = await startEtcd({ enableV2: true });
    await using restored = await startEtcd({ enableV2: true });
    await using relay = await startRelay(etcd);
    await putLeases(etcd, ['10.5.1.0-24', '10.5.2.0-24']);
    await putLeases(restored, ['10.5.1.0-24']);
    await using opened = open([relay.endpoint]);
    const { watch } = opened;
    await watch.until(() => watch.events.length === 1);
    relay.lead(restored);
    relay.cut();
    await watch.until(() => watch.events.length === 2);
    expect(watch.words()).toEqual([snapshotOf('10.5.1.0-24', '10.5.2.0-24'), snapshotOf('10.5.1.0-24')]);
  });

  it('begins when etcd does', async () => {
    await using etcd = await startEtcd({ enableV2: true });
    await etcd.kill();
    await using opened = open(etcd.endpoints);
    const { watch, log } = opened;
    await expect.poll(() => levels(log)).toEqual(['warn']);
    await etcd.restart();
    await watch.until(() => watch.events.length === 1);
    expect(levels(log)).toEqual(['warn', 'info']);
  });
});

describe('with three members', () => {
  const losses = [
    // A member that is silent is left after 3 s; nobody would notice for 12 s.
    { role: 'follower', fail: 'kill', withinMs: 10_000 },
    { role: 'follower', fail: 'stop', withinMs: 10_000 },
    // etcd takes a while to elect another leader.
    { role: 'leader', fail: 'stop', withinMs: 20_000 },
  ] as const;
  for (const { role, fail, withinMs } of losses) {
    it(`a watch goes on within ${withinMs / 1000} s after ${fail} of the ${role} in use`, async () => {
      await using cluster = await startEtcdCluster(3, { enableV2: true });
      const { used, watch, registry, log, ...handles } = await followThrough(cluster, role, {
        api: 'v2',
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

  it('a member that is cut off from the others is left', async () => {
    await using cluster = await startEtcdCluster(3, { enableV2: true });
    const [first, ...others] = cluster.members;
    await using opened = open(cluster.endpoints, { random: () => 0 });
    const { watch, log } = opened;
    await watch.until(() => watch.events.length === 1);
    await putLeases(first!, ['10.5.1.0-24']);
    await watch.until(() => watch.events.length === 2);
    for (const other of others) await other.stop();
    await vi.waitFor(
      () =>
        expect(log.entries.map(({ facts }) => String((facts as { error: Error }).error))).toEqual([
          `RegistryUnavailableError: etcd is unavailable: ${first!.endpoints[0]!}: no leader`,
        ]),
      15_000,
    );
    for (const other of others) other.cont();
    await vi.waitFor(() => putLeases(first!, ['10.5.2.0-24']), 15_000);
    await watch.until(() => watch.events.length === 3);
    expect(watch.words()).toEqual(['snapshot', 'put 10.5.1.0-24', 'put 10.5.2.0-24']);
  });
});

async function roleOf(member: Etcd): Promise<Role> {
  const members = (await member.etcdctlV2('member', 'list')).split('\n');
  const own = members.find((line) => line.includes(`clientURLs=${member.endpoints[0]!} `));
  return own?.endsWith('isLeader=true') ? 'leader' : 'follower';
}
