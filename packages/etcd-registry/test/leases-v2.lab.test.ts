import { startEtcd, type Etcd } from '@flannel-ts/lab';
import {
  leaseKey,
  LeaseExistsError,
  LeaseLostError,
  systemClock,
  type Clock,
  type Registry,
} from '@flannel-ts/subnet';
import { createRecordingLog } from '@flannel-ts/subnet/testing';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { createEtcdRegistry, RegistryAccessError } from '../src/index.ts';
import { DAY_MS, PREFIX, request, startRelay, subnetKey } from './support.ts';

const HOUR_MS = 60 * 60 * 1000;
const KEY = `${PREFIX}/subnets/10.5.1.0-24`;
let etcd: Etcd;
let registry: Registry;

beforeAll(async () => {
  etcd = await startEtcd({ enableV2: true });
  registry = createEtcdRegistry({ log: createRecordingLog() }, { endpoints: etcd.endpoints, api: 'v2' });
});
afterAll(async () => {
  await registry[Symbol.asyncDispose]();
  await etcd[Symbol.asyncDispose]();
});
beforeEach(() => etcd.etcdctlV2('rm', '--recursive', '/coreos.com').catch(() => ''));

interface StoredKey {
  readonly value: string;
  readonly ttl?: number;
  readonly modifiedIndex: number;
}

/** A key as etcd holds it; `undefined` when it is not there. */
async function stored(key = KEY): Promise<StoredKey | undefined> {
  const answer = await fetch(
    `${etcd.endpoints[0]!}/v2/keys${key.split('/').map(encodeURIComponent).join('/')}`,
  );
  return ((await answer.json()) as { node?: StoredKey }).node;
}

describe('a lease', () => {
  it('is a key with upstream’s value and a time to live', async () => {
    const before = systemClock.now();
    const lease = await registry.createLease(request('10.5.1.0-24', 1, HOUR_MS));
    const { value, ttl, modifiedIndex } = (await stored())!;
    expect(value).toBe('{"PublicIP":"192.0.0.1","PublicIPv6":null,"BackendType":"vxlan"}');
    expect(ttl).toBeGreaterThan(3_500);
    expect(ttl).toBeLessThanOrEqual(3_600);
    expect(lease.revision).toBe(`${modifiedIndex}`);
    expect(Math.abs(Number(lease.expiresAt) - before - HOUR_MS)).toBeLessThan(10_000);
    const [read] = await registry.readLeases();
    expect(Math.abs(Number(read!.expiresAt) - Number(lease.expiresAt))).toBeLessThan(10_000);
  });

  it('ends by the seconds that etcd says are left, whatever the wall clocks of both', async () => {
    const hours: Clock = { ...systemClock, now: () => 1_000 * HOUR_MS };
    await using other = createEtcdRegistry(
      { log: createRecordingLog(), clock: hours },
      { endpoints: etcd.endpoints, api: 'v2' },
    );
    await registry.createLease(request('10.5.1.0-24', 1, HOUR_MS));
    const [read] = await other.readLeases();
    expect(Math.abs(Number(read!.expiresAt) - 1_001 * HOUR_MS)).toBeLessThan(10_000);
  });

  it('gets a new time to live with every update, also to and from a reservation', async () => {
    let lease = await registry.createLease(request('10.5.1.0-24', 1, HOUR_MS));
    lease = await registry.updateLease(lease, request('10.5.1.0-24', 1, DAY_MS));
    expect((await stored())!.ttl).toBeGreaterThan(86_390);
    lease = await registry.updateLease(lease, { attributes: lease.attributes, ttlMs: undefined });
    expect(await stored()).not.toHaveProperty('ttl');
    expect(lease.expiresAt).toBe(undefined);
    await registry.updateLease(lease, request('10.5.1.0-24', 1, HOUR_MS));
    expect((await stored())!.ttl).toBeGreaterThan(3_590);
  });

  it('in a directory is skipped with a warning', async () => {
    await etcd.etcdctlV2('mkdir', `${PREFIX}/subnets/10.5.9.0-24`);
    await registry.createLease(request('10.5.1.0-24'));
    expect((await registry.readLeases()).map(leaseKey)).toEqual(['10.5.1.0-24']);
  });
});

describe('a write whose answer is lost', () => {
  it('is not taken for another host’s', async () => {
    await using relay = await startRelay(etcd);
    await using remote = createEtcdRegistry(
      { log: createRecordingLog() },
      { endpoints: [relay.endpoint], api: 'v2' },
    );
    await remote.readConfig();

    /** Runs a write, and cuts its connection when etcd has carried it out but not answered. */
    const unanswered = async <T>(
      write: () => Promise<T>,
      done: (now: StoredKey | undefined) => boolean,
    ): Promise<T> => {
      relay.holdAnswers();
      const result = write();
      await expect.poll(async () => done(await stored())).toBe(true);
      relay.cut();
      return result;
    };

    let lease = await unanswered(
      () => remote.createLease(request('10.5.1.0-24')),
      (now) => now !== undefined,
    );
    expect((await stored())!.modifiedIndex).toBe(Number(lease.revision));
    lease = await unanswered(
      () => remote.updateLease(lease, request('10.5.1.0-24', 2)),
      (now) => now!.value.includes('192.0.0.2'),
    );
    lease = await unanswered(
      () => remote.updateLease(lease, { ...request('10.5.1.0-24', 2), ttlMs: undefined }),
      (now) => now!.ttl === undefined,
    );
    expect((await registry.readLeases())[0]!.revision).toBe(lease.revision);
    await unanswered(
      () => remote.deleteLease(lease),
      (now) => now === undefined,
    );
    await expect(remote.deleteLease(lease)).rejects.toThrow(LeaseLostError);
  });

  it('is not taken for ours when another host was faster', async () => {
    await using relay = await startRelay(etcd);
    await using remote = createEtcdRegistry(
      { log: createRecordingLog() },
      { endpoints: [relay.endpoint], api: 'v2' },
    );
    await remote.readConfig();
    relay.holdAnswers();
    const creating = remote.createLease(request('10.5.1.0-24'));
    await expect.poll(stored).toBeTruthy();
    await etcd.etcdctlV2('set', '--ttl', '3600', KEY, '{"PublicIP":"192.0.2.9"}');
    relay.cut();
    await expect(creating).rejects.toThrow(LeaseExistsError);
  });
});

describe('keys', () => {
  it('are read below the prefix only', async () => {
    for (const key of [
      'subnets-other/10.5.1.0-24',
      'subnets0/10.5.2.0-24',
      'subnetsx',
      'subnets/10.5.3.0-24',
    ]) {
      await etcd.etcdctlV2('set', `${PREFIX}/${key}`, '{"PublicIP":"192.0.2.1"}');
    }
    expect((await registry.readLeases()).map(leaseKey)).toEqual(['10.5.3.0-24']);
  });

  it('are found with any slashes around the prefix and any characters in it', async () => {
    for (const prefix of ['coreos.com/a network', '/coreos.com/a network/', '//coreos.com//a network//']) {
      await using other = createEtcdRegistry(
        { log: createRecordingLog() },
        { endpoints: etcd.endpoints, prefix, api: 'v2' },
      );
      const subnet = '10.5.1.0-24&fc00:0:0:62::-64';
      const lease = await other.createLease(request(subnet));
      expect(await stored(`/coreos.com/a network/subnets/${subnet}`)).toBeTruthy();
      await other.deleteLease(lease);
    }
  });
});

it('an etcd without the v2 API is refused with the remedy', async () => {
  await using bare = await startEtcd();
  await using refused = createEtcdRegistry(
    { log: createRecordingLog() },
    { endpoints: bare.endpoints, api: 'v2' },
  );
  await expect(refused.readConfig()).rejects.toThrow(RegistryAccessError);
  await expect(refused.readConfig()).rejects.toThrow('--enable-v2');
});

describe('5,000 leases', () => {
  it('are read in one request', async () => {
    const names = Array.from({ length: 5_000 }, (_, index) => subnetKey(index));
    for (let start = 0; start < names.length; start += 250) {
      await Promise.all(names.slice(start, start + 250).map((name) => registry.createLease(request(name))));
    }
    const before = await requests();
    expect(await registry.readLeases()).toHaveLength(5_000);
    expect((await requests()) - before).toBe(1);
  });

  /** How many keys or directories etcd was asked for, by its metrics. */
  async function requests(): Promise<number> {
    const metrics = await (await fetch(`${etcd.endpoints[0]!}/metrics`)).text();
    return Number(/^etcd_http_received_total\{method="QGET"\} (\d+)$/m.exec(metrics)?.[1] ?? 0);
  }
});
