import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { startEtcd, startEtcdCluster, type Etcd, type EtcdCluster } from '@flannel-ts/lab';
import { createRecordingLog } from '@flannel-ts/subnet/testing';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { createEtcdRegistry, RegistryAccessError, type EtcdRegistryOptions } from '../src/index.ts';
import { openAndFollow, PREFIX, putLeases, request } from './support.ts';

const user = { username: 'flannel', password: 'secret' };
const ROOT = ['--user=root:root'];

/** Lets `flannel` write and `guest` do nothing, and `reader` read, as soon as authentication is enabled. */
async function addUsers(etcd: Etcd): Promise<void> {
  for (const command of [
    'user add root:root',
    'role add root',
    'user grant-role root root',
    'user add flannel:secret',
    'user add reader:secret',
    'user add guest:guest',
    'role add network',
    `role grant-permission --prefix=true network readwrite ${PREFIX}/`,
    'user grant-role flannel network',
    'role add see',
    `role grant-permission --prefix=true see read ${PREFIX}/`,
    'user grant-role reader see',
  ]) {
    await etcd.etcdctl(...command.split(' '));
  }
}

function open(etcd: Pick<Etcd, 'endpoints'>, options: Partial<EtcdRegistryOptions> = user) {
  const log = createRecordingLog();
  return createEtcdRegistry({ log }, { api: 'v3', endpoints: etcd.endpoints, ...options });
}

/** How often etcds were asked to check a password, by their metrics. */
async function signIns(...etcds: readonly Etcd[]): Promise<number> {
  const counts = etcds.map(async ({ endpoints }) => {
    const metrics = await (await fetch(`${endpoints[0]!}/metrics`)).text();
    return Number(/^grpc_server_started_total\{grpc_method="Authenticate".*\} (\d+)$/m.exec(metrics)?.[1]);
  });
  return (await Promise.all(counts)).reduce((sum, count) => sum + count, 0);
}

describe('user and password over v3', () => {
  let etcd: Etcd;

  beforeAll(async () => {
    etcd = await startEtcd({ etcdctlFlags: ROOT });
    await addUsers(etcd);
  });
  afterAll(() => etcd[Symbol.asyncDispose]());

  it('are ignored while etcd has authentication disabled, and used when it is enabled', async () => {
    await using registry = open(etcd);
    expect(await registry.readConfig()).toBe(undefined);
    await etcd.etcdctl('auth', 'enable');
    await using anonymous = open(etcd, {});
    await expect(anonymous.readConfig()).rejects.toThrow('etcd-username');
    expect(await registry.readConfig()).toBe(undefined);
  });

  it('are checked, and what is wrong is named', async () => {
    for (const [wrong, text] of [
      [{ ...user, password: 'wrong' }, 'etcd-password'],
      [{ username: 'guest', password: 'guest' }, 'permission denied'],
    ] as const) {
      await using registry = open(etcd, wrong);
      await expect(registry.readConfig()).rejects.toThrow(RegistryAccessError);
      await expect(registry.readConfig()).rejects.toThrow(text);
    }
  });

  it('of the wrong sort are not checked at every call', async () => {
    await using registry = open(etcd, { ...user, password: 'wrong' });
    const before = await signIns(etcd);
    for (let call = 0; call < 100; call++)
      await expect(registry.readConfig()).rejects.toThrow('etcd-password');
    // The bound of the delay doubles with each refusal.
    expect((await signIns(etcd)) - before).toBeLessThan(20);
  });

  it('are checked once for many calls at once', async () => {
    await using registry = open(etcd);
    const before = await signIns(etcd);
    await Promise.all(Array.from({ length: 20 }, () => registry.readConfig()));
    expect((await signIns(etcd)) - before).toBe(1);
  });

  it('are checked again when etcd does not take the token any more', async () => {
    await using registry = open(etcd);
    await registry.readConfig();
    await etcd.etcdctl('auth', 'disable');
    await etcd.etcdctl('auth', 'enable');
    const before = await signIns(etcd);
    await Promise.all(Array.from({ length: 5 }, () => registry.readConfig()));
    expect(await signIns(etcd)).toBe(before + 1);
  });

  it('survive a restart of etcd, and no change is lost', async () => {
    await using opened = openAndFollow({ api: 'v3', endpoints: etcd.endpoints, ...user });
    const { registry, watch } = opened;
    await watch.until(() => watch.events.length === 1);
    await registry.createLease(request('10.5.1.0-24'));
    await watch.until(() => watch.leases().length === 1);
    await etcd.kill();
    await etcd.restart();
    await putLeases(etcd, ['10.5.2.0-24']);
    await watch.until(() => watch.leases().length === 2);
    await registry.createLease(request('10.5.3.0-24'));
    await watch.until(() => watch.leases().length === 3);
    expect(watch.changes()).toEqual(['put 10.5.1.0-24', 'put 10.5.2.0-24', 'put 10.5.3.0-24']);
  });

  it('come from a file that is read at every sign-in', async () => {
    const directory = await mkdtemp(join(tmpdir(), 'etcd-registry-'));
    const passwordFile = join(directory, 'password');
    await using registry = open(etcd, { username: 'flannel', passwordFile });
    await expect(registry.readConfig()).rejects.toThrow(/etcd-password-file: ENOENT.*check the file in/);
    await writeFile(passwordFile, 'secret\n');
    expect(await registry.readConfig()).toBe(undefined);
    await writeFile(passwordFile, 'wrong\n');
    expect(await registry.readConfig()).toBe(undefined);
    registry.reconnect();
    await expect(registry.readConfig()).rejects.toThrow(RegistryAccessError);
    await rm(directory, { recursive: true });
  });
});

describe('a user who may only read', () => {
  it('leaves no etcd lease behind, and keeps the connection that the watch uses', async () => {
    await using etcd = await startEtcd({ etcdctlFlags: ROOT });
    await addUsers(etcd);
    await etcd.etcdctl('auth', 'enable');
    await using opened = openAndFollow({ ...user, username: 'reader', api: 'v3', endpoints: etcd.endpoints });
    const { registry, watch, kinds } = opened;
    await watch.until(() => watch.events.length === 1);
    await putLeases(etcd, ['10.5.1.0-24']);
    await watch.until(() => watch.leases().length === 1);
    for (let call = 0; call < 5; call++) {
      const creating = registry.createLease(request('10.5.2.0-24'));
      await expect(creating).rejects.toThrow(RegistryAccessError);
    }
    expect(await etcd.etcdctl('lease', 'list')).toContain('found 0 leases');
    await putLeases(etcd, ['10.5.3.0-24']);
    await watch.until(() => watch.leases().length === 2);
    expect(watch.words()).toEqual(['snapshot', 'put 10.5.1.0-24', 'put 10.5.3.0-24']);
    expect(kinds()).toEqual([]);
  });
});

describe('a token', () => {
  let cluster: EtcdCluster;

  beforeAll(async () => {
    cluster = await startEtcdCluster(3, { etcdctlFlags: ROOT });
    await addUsers(cluster.members[0]!);
    await cluster.members[0]!.etcdctl('auth', 'enable');
  });
  afterAll(() => cluster[Symbol.asyncDispose]());

  it('is kept for the next member when the one in use ends', async () => {
    const numbers = [0];
    const random = () => numbers.shift() ?? Math.random();
    await using opened = openAndFollow({ api: 'v3', endpoints: cluster.endpoints, ...user }, { random });
    const { watch, kinds } = opened;
    await watch.until(() => watch.events.length === 1);
    const [used, ...others] = cluster.members;
    const before = await signIns(...others);
    await used!.kill();
    await vi.waitFor(() => expect(kinds()).toEqual(['interrupted', 'restored']), 20_000);
    expect(await signIns(...others)).toBe(before);
    await putLeases(others[0]!, ['10.5.1.0-24']);
    await watch.until(() => watch.leases().length === 1);
    await used!.restart();
  });
});
