import { parseSubnetKey } from '@flannel-ts/ip';
import { startEtcd, type Etcd } from '@flannel-ts/lab';
import { leaseKey, LeaseExistsError, LeaseLostError, type Registry } from '@flannel-ts/subnet';
import { createRecordingLog } from '@flannel-ts/subnet/testing';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { createEtcdRegistry } from '../src/index.ts';
import { PREFIX, putLeases, request, startRelay, subnetKey } from './support.ts';

const HOUR_MS = 60 * 60 * 1000;
let etcd: Etcd;
let registry: Registry;

beforeAll(async () => {
  etcd = await startEtcd();
  registry = createEtcdRegistry({ log: createRecordingLog() }, { endpoints: etcd.endpoints, api: 'v3' });
});
afterAll(async () => {
  await registry[Symbol.asyncDispose]();
  await etcd[Symbol.asyncDispose]();
});
beforeEach(async () => {
  await etcd.etcdctl('del', '--prefix', '/');
  for (const id of await etcdLeases()) await etcd.etcdctl('lease', 'revoke', id);
});

/** Ids of the etcd leases that exist. */
async function etcdLeases(): Promise<string[]> {
  return (await etcd.etcdctl('lease', 'list')).split('\n').filter((line) => /^[0-9a-f]{8,}$/.test(line));
}

describe('etcd leases', () => {
  it('are not left behind by lost races', async () => {
    const results = await Promise.allSettled(
      Array.from({ length: 20 }, (_, host) => registry.createLease(request('10.5.1.0-24', host))),
    );
    expect(results.filter(({ status }) => status === 'fulfilled')).toHaveLength(1);
    expect(await etcdLeases()).toHaveLength(1);
  });

  it('are kept by renewals and go with the lease', async () => {
    let lease = await registry.createLease(request('10.5.1.0-24'));
    const before = await etcdLeases();
    lease = await registry.updateLease(lease, request('10.5.1.0-24', 2));
    lease = await registry.updateLease(lease, request('10.5.1.0-24', 3));
    expect(await etcdLeases()).toEqual(before);
    await registry.deleteLease(lease);
    expect(await etcdLeases()).toEqual([]);
  });

  it('are replaced when the time to live changes, also to and from a reservation', async () => {
    let lease = await registry.createLease(request('10.5.1.0-24'));
    const [first] = await etcdLeases();
    lease = await registry.updateLease(lease, request('10.5.1.0-24', 1, HOUR_MS));
    const [second, ...others] = await etcdLeases();
    expect(second).not.toBe(first);
    expect(others).toEqual([]);
    lease = await registry.updateLease(lease, { attributes: lease.attributes, ttlMs: undefined });
    expect(await etcdLeases()).toEqual([]);
    await registry.updateLease(lease, request('10.5.1.0-24'));
    expect(await etcdLeases()).toHaveLength(1);
    expect((await registry.readLeases())[0]!.expiresAt).toBe('unknown');
  });

  it('of a lost update are not left behind', async () => {
    const lease = await registry.createLease(request('10.5.1.0-24'));
    await etcd.etcdctl('put', `${PREFIX}/subnets/10.5.1.0-24`, '{"PublicIP":"192.0.2.9"}');
    await expect(registry.updateLease(lease, request('10.5.1.0-24', 1, HOUR_MS))).rejects.toThrow(
      LeaseLostError,
    );
    expect((await etcdLeases()).length).toBeLessThanOrEqual(1);
  });

  it('that other keys hang on are not revoked', async () => {
    const lease = await registry.createLease(request('10.5.1.0-24'));
    const [id] = await etcdLeases();
    await etcd.etcdctl('put', `--lease=${id!}`, '/operators/key', 'x');
    await registry.deleteLease(lease);
    expect(await etcd.etcdctl('get', '--print-value-only', '/operators/key')).toBe('x\n');
  });
});

describe('a transaction whose answer is lost', () => {
  it('is not taken for another host’s', async () => {
    await using relay = await startRelay(etcd);
    await using remote = createEtcdRegistry(
      { log: createRecordingLog() },
      { endpoints: [relay.endpoint], api: 'v3' },
    );
    await remote.readConfig();

    /** Runs a write, and cuts its connection when etcd has carried it out but not answered. */
    const unanswered = async <T>(write: () => Promise<T>, done: () => Promise<unknown>): Promise<T> => {
      relay.holdAnswers();
      const result = write();
      await expect.poll(done).toBeTruthy();
      relay.cut();
      return result;
    };
    const value = () => etcd.etcdctl('get', '--print-value-only', '--prefix', `${PREFIX}/subnets/`);

    const reservation = { ...request('10.5.1.0-24'), ttlMs: undefined };
    let lease = await unanswered(() => remote.createLease(reservation), value);
    const changed = { ...request('10.5.1.0-24', 2), ttlMs: undefined };
    lease = await unanswered(
      () => remote.updateLease(lease, changed),
      async () => (await value()).includes('192.0.0.2'),
    );
    expect((await registry.readLeases())[0]!.revision).toBe(lease.revision);
    await unanswered(
      () => remote.deleteLease(lease),
      async () => (await value()) === '',
    );
    await expect(remote.deleteLease(lease)).rejects.toThrow(LeaseLostError);
  });
});

describe('a lease of another history', () => {
  it('is not written over, although a restored etcd gave it the mod_revision of ours', async () => {
    const theirs = await registry.createLease(request('10.5.1.0-24', 2));
    const [modRevision] = theirs.revision.split('/');
    const ours = { subnets: theirs.subnets, revision: `${modRevision!}/7587890123456789` };
    await expect(registry.updateLease(ours, request('10.5.1.0-24', 1))).rejects.toThrow(LeaseLostError);
    await expect(registry.deleteLease(ours)).rejects.toThrow(LeaseLostError);
    expect((await registry.readLeases())[0]!.revision).toBe(theirs.revision);
  });
});

describe('keys', () => {
  it('are read below the prefix only', async () => {
    for (const key of ['subnets-other/10.5.1.0-24', 'subnets', 'subnets0/10.5.2.0-24', 'subnetsx']) {
      await etcd.etcdctl('put', `${PREFIX}/${key}`, '{"PublicIP":"192.0.2.1"}');
    }
    await putLeases(etcd, ['10.5.3.0-24']);
    expect((await registry.readLeases()).map(leaseKey)).toEqual(['10.5.3.0-24']);
  });

  it('are found with any slashes around the prefix', async () => {
    await registry.createLease(request('10.5.1.0-24'));
    for (const prefix of ['coreos.com/network', '/coreos.com/network/', '//coreos.com//network//']) {
      await using other = createEtcdRegistry(
        { log: createRecordingLog() },
        { endpoints: etcd.endpoints, prefix, api: 'v3' },
      );
      await expect(other.createLease(request('10.5.1.0-24'))).rejects.toThrow(LeaseExistsError);
    }
  });
});

describe('5,000 leases', () => {
  it('are read in one request', async () => {
    await putLeases(
      etcd,
      Array.from({ length: 5_000 }, (_, index) => subnetKey(index)),
      '{"PublicIP":"192.0.2.1","PublicIPv6":null,"BackendType":"vxlan","BackendData":{"VNI":1,"VtepMAC":"02:00:00:00:00:01"}}',
    );
    const before = await requests();
    expect(await registry.readLeases()).toHaveLength(5_000);
    expect((await requests()) - before).toBe(1);
  });

  it('cost one request to read one of them', async () => {
    await putLeases(etcd, [subnetKey(1), subnetKey(2)]);
    const before = await requests();
    expect(leaseKey((await registry.readLease(parseSubnetKey(subnetKey(2))))!)).toBe(subnetKey(2));
    expect((await requests()) - before).toBe(1);
  });

  /** How many calls etcd has had, by its metrics. */
  async function requests(): Promise<number> {
    const metrics = await (await fetch(`${etcd.endpoints[0]!}/metrics`)).text();
    const lines = metrics.split('\n').filter((line) => line.startsWith('grpc_server_started_total'));
    return lines.reduce((sum, line) => sum + Number(line.split(' ').at(-1)), 0);
  }
});
