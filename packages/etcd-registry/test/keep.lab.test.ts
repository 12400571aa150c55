import { parseAddress } from '@flannel-ts/ip';
import { startEtcd, type Etcd } from '@flannel-ts/lab';
import { keepLease, LeaseLostError, systemClock, type KeeperEvent } from '@flannel-ts/subnet';
import { createRecordingLog } from '@flannel-ts/subnet/testing';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createEtcdRegistry } from '../src/index.ts';
import { APIS, DAY_MS, request } from './support.ts';

let etcd: Etcd;
let stores = 0;

beforeAll(async () => {
  etcd = await startEtcd({ enableV2: true });
});
afterAll(() => etcd[Symbol.asyncDispose]());

/** A kept lease, fed by a watch, and what an operator does to its key. */
async function keep(api: (typeof APIS)[number]) {
  const prefix = `/keep${++stores}`;
  const log = createRecordingLog();
  const registry = createEtcdRegistry({ log }, { endpoints: etcd.endpoints, prefix, api });
  const lease = await registry.createLease(request('10.5.1.0-24'));
  const stop = new AbortController();
  const events: KeeperEvent[] = [];
  const keeper = keepLease(
    { registry, log, clock: systemClock, random: Math.random, onEvent: (event) => events.push(event) },
    { lease, families: [4], ttlMs: DAY_MS, renewMarginMs: DAY_MS / 24, signal: stop.signal },
  );
  const watching = (async () => {
    for await (const event of registry.watchLeases({ signal: stop.signal })) {
      keeper.observe(event);
    }
  })();
  const key = `${prefix}/subnets/10.5.1.0-24`;
  return {
    registry,
    keeper,
    events,
    write: (value: string) =>
      api === 'v2' ? etcd.etcdctlV2('set', key, value) : etcd.etcdctl('put', key, value),
    remove: () => (api === 'v2' ? etcd.etcdctlV2('rm', key) : etcd.etcdctl('del', key)),
    /** Resolves when the keeper has repaired its lease, and etcd holds it. */
    async repaired(reason: string): Promise<void> {
      await expect.poll(() => events.map(({ kind }) => kind)).toEqual(['repaired', 'kept']);
      expect(events[0]).toMatchObject({ reason });
      const stored = await registry.readLease(lease.subnets);
      expect(stored).toMatchObject({ attributes: lease.attributes, revision: keeper.lease.revision });
      expect(stored!.expiresAt).toBeDefined();
    },
    async [Symbol.asyncDispose]() {
      stop.abort();
      await watching;
      await registry[Symbol.asyncDispose]();
    },
  };
}

describe.each(APIS)('a lease that is kept over %s', (api) => {
  it('is written again at once over a value that no one can read', async () => {
    await using kept = await keep(api);
    await kept.write('{"PublicIP":"192.0');
    await kept.repaired(expect.stringContaining('unreadable') as string);
  });

  it('is taken again at once when it is deleted', async () => {
    await using kept = await keep(api);
    await kept.remove();
    await kept.repaired('the lease had vanished from the registry');
  });

  it('is lost at once when another host writes over it, and is left to that host', async () => {
    await using kept = await keep(api);
    await kept.write('{"PublicIP":"198.51.100.9"}');
    const error = (await kept.keeper.done.catch((cause: unknown) => cause)) as LeaseLostError;
    expect(error).toBeInstanceOf(LeaseLostError);
    const publicIp = { ipv4: parseAddress('198.51.100.9') };
    expect(error.current).toMatchObject({ attributes: { publicIp } });
    expect(await kept.registry.readLease(kept.keeper.lease.subnets)).toEqual(error.current);
  });

  it('publishes other attributes of its host', async () => {
    await using kept = await keep(api);
    const attributes = { ...kept.keeper.lease.attributes, backendData: { VtepMAC: '02:00:00:00:00:02' } };
    kept.keeper.publish(attributes);
    await expect.poll(() => kept.events).toContainEqual({ kind: 'kept' });
    expect(await kept.registry.readLease(kept.keeper.lease.subnets)).toMatchObject({ attributes });
    // Once more when the watch's first snapshot, which may be older, came after the write.
    expect(new Set(kept.events.map(({ kind }) => kind))).toEqual(new Set(['kept']));
  });
});
