import { startEtcd, startEtcdCluster, type Etcd } from '@flannel-ts/lab';
import { describe, expect, it, vi } from 'vitest';
import { gatedClock, openAndFollow, PREFIX, putAll2, putLeasesOver, startRelay } from './support.ts';

const putLeases = (etcd: Etcd, names: readonly string[]) => putLeasesOver('v2', etcd, names);

describe('a watch over v2', () => {
  it('lists again when etcd has cleared its changes while it was away', async () => {
    await using etcd = await startEtcd({ enableV2: true });
    await using relay = await startRelay(etcd);
    const gate = gatedClock();
    await using opened = openAndFollow({ endpoints: [relay.endpoint], api: 'v2' }, { clock: gate.clock });
    const { watch, kinds } = opened;
    await watch.until(() => watch.events.length === 1);
    await putLeases(etcd, ['10.5.1.0-24', '10.5.2.0-24']);
    await watch.until(() => watch.leases().length === 2);
    relay.cut();
    await expect.poll(kinds).toEqual(['interrupted']);
    await putLeases(etcd, ['10.5.3.0-24']);
    await etcd.etcdctlV2('rm', `${PREFIX}/subnets/10.5.1.0-24`);
    // etcd remembers 1,000 changes, of all keys together.
    await putAll2(
      etcd,
      Array.from({ length: 1_000 }, () => '/others'),
    );
    gate.open();
    await expect.poll(() => watch.leases()).toEqual(['10.5.2.0-24', '10.5.3.0-24']);
    await putLeases(etcd, ['10.5.4.0-24']);
    await expect.poll(() => watch.leases()).toEqual(['10.5.2.0-24', '10.5.3.0-24', '10.5.4.0-24']);
  });

  it('is not bothered by 1,100 changes of other keys', async () => {
    await using etcd = await startEtcd({ enableV2: true });
    // Without probes, which a stall of this machine fails.
    await using opened = openAndFollow(
      { endpoints: etcd.endpoints, api: 'v2' },
      { clock: gatedClock().clock },
    );
    const { watch, kinds } = opened;
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
    expect(kinds()).toEqual([]);
  });

  it('lists again when the directory of the leases is deleted', async () => {
    await using etcd = await startEtcd({ enableV2: true });
    await putLeases(etcd, ['10.5.1.0-24', '10.5.2.0-24']);
    await using opened = openAndFollow({ endpoints: etcd.endpoints, api: 'v2' });
    const { watch, kinds } = opened;
    await watch.until(() => watch.events.length === 1);
    await etcd.etcdctlV2('rm', '--recursive', PREFIX);
    await watch.until(() => watch.leases().length === 0);
    await putLeases(etcd, ['10.5.3.0-24']);
    await watch.until(() => watch.leases().length === 1);
    expect(watch.changes()).toEqual([
      'put 10.5.1.0-24',
      'put 10.5.2.0-24',
      'removed 10.5.1.0-24',
      'removed 10.5.2.0-24',
      'put 10.5.3.0-24',
    ]);
    expect(kinds()).toEqual([]);
  });

  it('leaves a member that is cut off from the others', async () => {
    await using cluster = await startEtcdCluster(3, { enableV2: true });
    const [first, ...others] = cluster.members;
    const quick = { intervalMs: 1_000, timeoutMs: 1_000 };
    await using opened = openAndFollow(
      { endpoints: cluster.endpoints, api: 'v2' },
      { random: () => 0 },
      quick,
    );
    const { watch, reports } = opened;
    await watch.until(() => watch.events.length === 1);
    await putLeases(first!, ['10.5.1.0-24']);
    await watch.until(() => watch.leases().length === 1);
    for (const other of others) await other.stop();
    const reason = `etcd is unavailable: ${first!.endpoints[0]!}: no leader`;
    await vi.waitFor(() => expect(reports).toContainEqual({ kind: 'interrupted', reason }), 15_000);
    for (const other of others) other.cont();
    await vi.waitFor(() => putLeases(first!, ['10.5.2.0-24']), 15_000);
    await watch.until(() => watch.leases().length === 2);
    expect(watch.changes()).toEqual(['put 10.5.1.0-24', 'put 10.5.2.0-24']);
  });
});
