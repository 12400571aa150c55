import { startEtcd, startEtcdCluster } from '@flannel-ts/lab';
import { createRecordingLog } from '@flannel-ts/subnet/testing';
import { describe, expect, it } from 'vitest';
import { createEtcdRegistry } from '../src/index.ts';
import { APIS, levels, openAndFollow, PREFIX } from './support.ts';

describe.each(APIS)('what an outage is said to come from, over %s', (api) => {
  it('is the same text for each call while two endpoints are dead', async () => {
    await using cluster = await startEtcdCluster(2, { enableV2: true });
    const { endpoints } = cluster;
    await using registry = createEtcdRegistry({ log: createRecordingLog() }, { api, endpoints });
    await registry.readConfig();
    for (const member of cluster.members) await member.kill();
    const reasons = new Set<string>();
    for (let call = 0; call < 100; call++)
      await registry.readConfig().catch((error: unknown) => reasons.add(String(error)));
    const texts = endpoints.map((endpoint) => `${endpoint}: connect ECONNREFUSED ${new URL(endpoint).host}`);
    expect([...reasons]).toEqual([
      `RegistryUnavailableError: etcd is unavailable: ${texts.sort().join('; ')}`,
    ]);
  });

  it('is reported once by the watch, and nothing is logged', async () => {
    await using cluster = await startEtcdCluster(2, { enableV2: true });
    const opened = openAndFollow({ api, endpoints: cluster.endpoints }, { random: () => 0.01 });
    await using _ = opened;
    const { watch, kinds, log, registry } = opened;
    await watch.until(() => watch.events.length === 1);
    for (const member of cluster.members) await member.kill();
    for (let call = 0; call < 50; call++) await registry.readConfig().catch(() => undefined);
    await expect.poll(kinds).toContain('interrupted');
    expect(levels(log).filter((level) => level !== 'debug')).toEqual([]);
    // A second report is that the connection that broke at first is refused from then on.
    expect(kinds().length).toBeLessThanOrEqual(2);
  });
});

it('20,000 keys that are no leases are one line of the log, however often they are listed', async () => {
  await using etcd = await startEtcd();
  const keys = Array.from({ length: 20_000 }, (_, index) => `${PREFIX}/subnets/junk${index}`);
  await etcd.putAll(keys.map((key) => [key, 'x'.repeat(500)]));
  await using opened = openAndFollow({ api: 'v3', endpoints: etcd.endpoints, relistMs: 1_000 });
  const { watch, log } = opened;
  await watch.until(() => watch.events.length === 3);
  expect(levels(log)).toEqual(['warn']);
  expect(JSON.stringify(log.entries).length).toBeLessThan(2_000);
});
