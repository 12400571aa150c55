import { execFileSync } from 'node:child_process';
import { startEtcd, type Etcd } from '@flannel-ts/lab';
import { acquireLease, parseNetworkConfig, systemClock, type Clock } from '@flannel-ts/subnet';
import { createRecordingLog } from '@flannel-ts/subnet/testing';
import { afterAll, beforeAll, beforeEach, expect, it } from 'vitest';
import {
  createEtcdRegistry,
  EtcdOptionError,
  migrateEtcd,
  RegistryAccessError,
  type MigrationReport,
} from '../src/index.ts';
import { DAY_MS, PREFIX, putAll2, request, subnetKey } from './support.ts';

// As upstream's daemons and their operators write them: spaces, keys of the future, v0.14's missing PublicIPv6.
const CONFIG = '{ "Network": "10.5.0.0/16", "Backend": {"Type": "vxlan"}, "Comment": "é" }';
const VALUE =
  '{"PublicIP":"192.0.2.1","BackendType":"vxlan","BackendData":{"VtepMAC":"02:00:00:00:00:01"},"X":1}';
const key = (name: string) => `${PREFIX}/${name}`;

let etcd: Etcd;

beforeAll(async () => {
  etcd = await startEtcd({ enableV2: true });
});
afterAll(() => etcd[Symbol.asyncDispose]());
beforeEach(async () => {
  await etcd.etcdctlV2('rm', '--recursive', '/coreos.com').catch(() => '');
  await etcd.etcdctl('del', '--prefix', '/');
  await etcd.etcdctlV2('set', key('config'), CONFIG);
  await etcd.etcdctlV2('set', '--ttl', '3600', key('subnets/10.5.1.0-24'), VALUE);
  await etcd.etcdctlV2('set', key('subnets/10.5.2.0-24&fc00:0:0:62::-64'), VALUE);
});

const log = createRecordingLog();
const migrate = (apply: boolean, clock: Clock = systemClock) =>
  migrateEtcd({ log, clock }, { endpoints: etcd.endpoints, apply });

/** `KEY KIND OUTCOME`, below the prefix. */
const inWords = (report: MigrationReport) =>
  report.map(({ key, kind, outcome }) => `${key.slice(PREFIX.length + 1)} ${kind} ${outcome}`);

/** All keys of v3 with their values. */
async function inV3(): Promise<Readonly<Record<string, string>>> {
  const { kvs = [] } = JSON.parse(await etcd.etcdctl('get', '--prefix', '/', '--write-out=json')) as {
    kvs?: { key: string; value: string }[];
  };
  const text = (base64: string) => Buffer.from(base64, 'base64').toString();
  return Object.fromEntries(kvs.map(({ key, value }) => [text(key), text(value)]));
}

/** Seconds that a key of v3 has left; `undefined` without a time to live. */
async function ttlInV3(wanted: string): Promise<number | undefined> {
  const ids = (await etcd.etcdctl('lease', 'list')).split('\n').filter((line) => /^[0-9a-f]{8,}$/.test(line));
  for (const id of ids) {
    const text = await etcd.etcdctl('lease', 'timetolive', '--keys', id);
    if (text.includes(`[${wanted}]`)) return Number(/remaining\((\d+)s\)/.exec(text)?.[1]);
  }
  return undefined;
}

const ALL = {
  [key('config')]: CONFIG,
  [key('subnets/10.5.1.0-24')]: VALUE,
  [key('subnets/10.5.2.0-24&fc00:0:0:62::-64')]: VALUE,
};

it('a dry run says what it would do and writes nothing', async () => {
  const etcdLeases = await etcd.etcdctl('lease', 'list');
  const report = await migrate(false);
  expect(inWords(report)).toEqual([
    'subnets/10.5.1.0-24 lease would-copy',
    'subnets/10.5.2.0-24&fc00:0:0:62::-64 reservation would-copy',
    'config config would-copy',
  ]);
  expect(report[0]!.remainingTtlMs).toBeGreaterThan(3_500_000);
  expect(report[0]!.remainingTtlMs).toBeLessThanOrEqual(3_600_000);
  expect(report[1]).not.toHaveProperty('remainingTtlMs');
  expect(await inV3()).toEqual({});
  expect(await etcd.etcdctl('lease', 'list')).toBe(etcdLeases);
});

it('values are copied as they are, leases with the time they have left, reservations without', async () => {
  const report = await migrate(true);
  expect(inWords(report)).toEqual([
    'subnets/10.5.1.0-24 lease copied',
    'subnets/10.5.2.0-24&fc00:0:0:62::-64 reservation copied',
    'config config copied',
  ]);
  expect(await inV3()).toEqual(ALL);
  expect(await ttlInV3(key('subnets/10.5.1.0-24'))).toBeGreaterThan(3_500);
  expect(await ttlInV3(key('subnets/10.5.1.0-24'))).toBeLessThanOrEqual(3_600);
  expect(await ttlInV3(key('subnets/10.5.2.0-24&fc00:0:0:62::-64'))).toBe(undefined);
  expect(await ttlInV3(key('config'))).toBe(undefined);
});

it('time that passes during the migration is taken off', async () => {
  let now = Date.now();
  await migrate(true, { ...systemClock, now: () => (now += 600_000) });
  expect(await ttlInV3(key('subnets/10.5.1.0-24'))).toBeLessThanOrEqual(3_000);
});

it('a second run copies nothing and changes nothing', async () => {
  await migrate(true);
  const etcdLeases = await etcd.etcdctl('lease', 'list');
  const before = await etcd.etcdctl('get', '--prefix', '/', '--write-out=json');
  const revisions = (json: string) => json.match(/"mod_revision":\d+/g);
  expect(inWords(await migrate(true))).toEqual([
    'subnets/10.5.1.0-24 lease already-there',
    'subnets/10.5.2.0-24&fc00:0:0:62::-64 reservation already-there',
    'config config already-there',
  ]);
  expect(revisions(await etcd.etcdctl('get', '--prefix', '/', '--write-out=json'))).toEqual(
    revisions(before),
  );
  expect(await etcd.etcdctl('lease', 'list')).toBe(etcdLeases);
});

it('what v3 has is never overwritten', async () => {
  await etcd.etcdctl('put', key('config'), '{"Network":"10.9.0.0/16"}');
  // The same value, but a reservation in v3 and not in v2.
  await etcd.etcdctl('put', key('subnets/10.5.1.0-24'), VALUE);
  for (const apply of [false, true]) {
    expect(inWords(await migrate(apply))).toEqual([
      'subnets/10.5.1.0-24 lease differs',
      `subnets/10.5.2.0-24&fc00:0:0:62::-64 reservation ${apply ? 'copied' : 'would-copy'}`,
      'config config differs',
    ]);
  }
  expect(await inV3()).toEqual({ ...ALL, [key('config')]: '{"Network":"10.9.0.0/16"}' });
});

it('what no daemon can read is left out', async () => {
  await etcd.etcdctlV2('set', key('config'), '{"Network":"10.5.0.0/33"}');
  await etcd.etcdctlV2('set', key('subnets/10.5.3.0-24'), '{"PublicIP":');
  await etcd.etcdctlV2('set', '--ttl', '3600', key('subnets/nonsense'), VALUE);
  await etcd.etcdctlV2('mkdir', key('subnets/10.5.4.0-24'));
  expect(inWords(await migrate(true)).sort()).toEqual([
    'config config unreadable',
    'subnets/10.5.1.0-24 lease copied',
    'subnets/10.5.2.0-24&fc00:0:0:62::-64 reservation copied',
    'subnets/10.5.3.0-24 reservation unreadable',
    'subnets/10.5.4.0-24 reservation unreadable',
    'subnets/nonsense lease unreadable',
  ]);
  expect(Object.keys(await inV3())).toHaveLength(2);
  for (const name of ['10.5.3.0-24', '10.5.4.0-24', 'nonsense', '10.5.0.0/33']) {
    expect(JSON.stringify(log.entries.filter(({ level }) => level === 'warn'))).toContain(name);
  }
});

/** 100 more leases in v2. */
const putMore = () =>
  putAll2(
    etcd,
    Array.from({ length: 100 }, (_, index) => key(`subnets/${subnetKey(1_500 + index)}`)),
    { value: VALUE, ttl: '3600' },
  );

it('a migration that is stopped has not copied the config, and the next one completes it', async () => {
  await putMore();
  const abort = new AbortController();
  let reads = 0;
  const now = () => {
    if (++reads === 100) abort.abort(new Error('stopped'));
    return Date.now();
  };
  const { signal } = abort;
  const options = { endpoints: etcd.endpoints, apply: true, signal };
  await expect(migrateEtcd({ log, clock: { ...systemClock, now } }, options)).rejects.toThrow('stopped');
  const part = Object.keys(await inV3());
  expect(part.length).toBeGreaterThan(0);
  expect(part.length).toBeLessThan(102);
  expect(part).not.toContain(key('config'));
  const report = await migrate(true);
  expect(report.filter(({ outcome }) => outcome === 'already-there').length).toBeGreaterThanOrEqual(
    part.length,
  );
  expect(report.at(-1)).toMatchObject({ kind: 'config', outcome: 'copied' });
  expect(Object.keys(await inV3())).toHaveLength(103);
});

it('a lease that is taken while the others are copied is copied too, before the config', async () => {
  let taken = false;
  // The clock is read for the first time when the leases have been.
  const now = () => {
    const command = `--endpoints=${etcd.endpoints[0]!} set --ttl 3600 ${key('subnets/10.5.9.0-24')}`;
    const env = { ...process.env, ETCDCTL_API: '2' };
    if (!taken) execFileSync('etcdctl', [...command.split(' '), VALUE], { env });
    taken = true;
    return Date.now();
  };
  expect(inWords(await migrate(true, { ...systemClock, now }))).toEqual([
    'subnets/10.5.1.0-24 lease copied',
    'subnets/10.5.2.0-24&fc00:0:0:62::-64 reservation copied',
    'subnets/10.5.9.0-24 lease copied',
    'config config copied',
  ]);
});

it('a host that comes to v3 takes its lease over', async () => {
  await migrate(true);
  await using registry = createEtcdRegistry({ log: createRecordingLog() }, { endpoints: etcd.endpoints });
  const config = parseNetworkConfig((await registry.readConfig())!);
  await etcd.etcdctlV2('rm', '--recursive', '/coreos.com');
  const { attributes } = request('10.5.1.0-24', 513);
  const lease = await acquireLease(
    { registry, log, random: Math.random },
    { config, attributes, ttlMs: DAY_MS },
  );
  expect(Object.keys(await inV3())).toHaveLength(3);
  expect(lease.attributes).toEqual(attributes);
});

it('there may be nothing to copy', async () => {
  await etcd.etcdctlV2('rm', '--recursive', '/coreos.com');
  expect(await migrate(true)).toEqual([]);
});

it('an etcd without the v2 API is named as such', async () => {
  await using bare = await startEtcd();
  const migrating = migrateEtcd({ log }, { endpoints: bare.endpoints, apply: true });
  await expect(migrating).rejects.toThrow(RegistryAccessError);
  await expect(migrateEtcd({ log }, { endpoints: [], apply: true })).rejects.toThrow(EtcdOptionError);
});
