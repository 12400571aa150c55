import { createCertificates, startEtcd, type Certificates, type Etcd, type KeyPair } from '@flannel-ts/lab';
import { RegistryUnavailableError } from '@flannel-ts/subnet';
import { createRecordingLog } from '@flannel-ts/subnet/testing';
import { copyFile, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createEtcdRegistry, RegistryAccessError, type EtcdRegistryOptions } from '../src/index.ts';
import { APIS, follow, openAndFollow, PREFIX, request } from './support.ts';

/** What reading the config does: its text, or the error. */
async function attempt(options: EtcdRegistryOptions): Promise<unknown> {
  await using registry = createEtcdRegistry({ log: createRecordingLog() }, options);
  return await registry.readConfig().catch((error: unknown) => error);
}

function expectRefusal(error: unknown, ...texts: string[]): void {
  expect(error).toBeInstanceOf(RegistryAccessError);
  for (const text of texts) expect((error as Error).message).toContain(text);
}

describe.each(APIS)('TLS, %s', (api) => {
  let authority: Certificates;
  let stranger: Certificates;
  let client: KeyPair;
  let open: Etcd;
  let closed: Etcd;

  beforeAll(async () => {
    authority = await createCertificates();
    stranger = await createCertificates();
    client = await authority.client('flanneld');
    const server = await authority.server('127.0.0.1');
    const etcdctlFlags = [`--cacert=${authority.ca}`, `--cert=${client.cert}`, `--key=${client.key}`];
    const flags2 = [`--ca-file=${authority.ca}`, `--cert-file=${client.cert}`, `--key-file=${client.key}`];
    open = await startEtcd({ tls: server, etcdctlFlags, enableV2: true });
    closed = await startEtcd({ tls: { ...server, clientCa: authority.ca }, etcdctlFlags, enableV2: true });
    for (const etcd of [open, closed]) {
      if (api === 'v2') await etcd.etcdctlV2(...flags2, 'set', `${PREFIX}/config`, 'config');
      else await etcd.etcdctl('put', `${PREFIX}/config`, 'config');
    }
  });
  afterAll(async () => {
    for (const resource of [open, closed, authority, stranger]) await resource[Symbol.asyncDispose]();
  });

  it('works with the authority alone', async () => {
    expect(await attempt({ api, endpoints: open.endpoints, tls: { ca: authority.ca } })).toBe('config');
  });

  it('works with a client certificate', async () => {
    const tls = { ca: authority.ca, ...client };
    expect(await attempt({ api, endpoints: closed.endpoints, tls })).toBe('config');
  });

  it('says what is missing', async () => {
    const { endpoints } = closed;
    const alien = await stranger.client('stranger');
    expectRefusal(await attempt({ api, endpoints }), 'etcd-cafile');
    expectRefusal(await attempt({ api, endpoints, tls: { ca: stranger.ca } }), 'etcd-cafile');
    expectRefusal(await attempt({ api, endpoints, tls: { ca: authority.ca } }), 'etcd-certfile');
    expectRefusal(await attempt({ api, endpoints, tls: { ca: authority.ca, ...alien } }), 'etcd-certfile');
    expectRefusal(await attempt({ api, endpoints, tls: { ca: '/nowhere' } }), '/nowhere', 'etcd-cafile');
    const mixed = { ca: authority.ca, cert: client.cert, key: alien.key };
    expectRefusal(await attempt({ api, endpoints, tls: mixed }), 'check the files');
  });

  it('says that the certificate is for another address', async () => {
    await using etcd = await startEtcd({ tls: await authority.server('192.0.2.1'), enableV2: true });
    expectRefusal(
      await attempt({ api, endpoints: etcd.endpoints, tls: { ca: authority.ca } }),
      'etcd-endpoints',
    );
  });

  it('says when one side speaks no TLS', async () => {
    const [http] = open.endpoints.map((endpoint) => endpoint.replace('https', 'http'));
    expect(String(await attempt({ api, endpoints: [http!] }))).toContain('write https://');
    await using etcd = await startEtcd({ enableV2: true });
    const [https] = etcd.endpoints.map((endpoint) => endpoint.replace('http', 'https'));
    expect(String(await attempt({ api, endpoints: [https!] }))).toContain('write http://');
  });

  it('takes renewed certificates without a restart', async () => {
    const directory = await mkdtemp(join(tmpdir(), 'etcd-registry-'));
    const cert = join(directory, 'client.pem');
    const key = join(directory, 'client.key');
    const install = async (pair: KeyPair) => {
      await copyFile(pair.cert, cert);
      await copyFile(pair.key, key);
    };
    await install(await stranger.client('flanneld'));
    const tls = { ca: authority.ca, cert, key };
    await using registry = createEtcdRegistry(
      { log: createRecordingLog() },
      { api, endpoints: closed.endpoints, tls },
    );
    await expect(registry.readConfig()).rejects.toThrow(RegistryAccessError);
    await install(client);
    expect(await registry.readConfig()).toBe('config');
    await rm(directory, { recursive: true });
  });

  it('takes renewed certificates over a new connection at once when it is told to', async () => {
    const directory = await mkdtemp(join(tmpdir(), 'etcd-registry-'));
    const ca = join(directory, 'ca.pem');
    await copyFile(authority.ca, ca);
    await using opened = openAndFollow({ api, endpoints: open.endpoints, tls: { ca } });
    const { registry, watch, kinds } = opened;
    await watch.until(() => watch.events.length === 1);
    await copyFile(stranger.ca, ca);
    expect(await registry.readConfig()).toBe('config');
    registry.reconnect();
    await expect(registry.readConfig()).rejects.toThrow('etcd-cafile');
    await expect.poll(kinds).toEqual(['interrupted']);
    await copyFile(authority.ca, ca);
    registry.reconnect();
    expect(await registry.readConfig()).toBe('config');
    await expect.poll(kinds).toEqual(['interrupted', 'restored']);
    await rm(directory, { recursive: true });
  });
});

describe('user and password, v2', () => {
  const user = { api: 'v2', username: 'flannel', password: 'secret' } as const;

  it('are ignored while etcd has authentication disabled, then needed and checked', async () => {
    await using etcd = await startEtcd({ enableV2: true });
    const { endpoints } = etcd;
    expect(await attempt({ endpoints, ...user })).toBe(undefined);
    for (const command of [
      'user add root:root',
      'user add flannel:secret',
      'user add guest:guest',
      'role add network',
      `role grant network --path ${PREFIX}/* --readwrite`,
      'user grant flannel --roles network',
      'auth enable',
      '--username root:root role revoke guest --path /* --readwrite',
    ]) {
      await etcd.etcdctlV2(...command.split(' '));
    }
    await using registry = createEtcdRegistry({ log: createRecordingLog() }, { endpoints, ...user });
    await using watch = follow(registry);
    await watch.until(() => watch.events.length === 1);
    await registry.createLease(request('10.5.1.0-24'));
    await watch.until(() => watch.events.length === 2);
    expect(watch.words()).toEqual(['snapshot', 'put 10.5.1.0-24']);
    for (const wrong of [
      { api: 'v2' },
      { ...user, password: 'wrong' },
      { api: 'v2', username: 'guest', password: 'guest' },
    ] as const) {
      const error = await attempt({ endpoints, ...wrong });
      expectRefusal(error, 'etcd-username', 'etcd-password', 'read and write all keys under etcd-prefix');
    }
  });
});

describe.each(APIS)('an etcd that does not answer, %s', (api) => {
  it('is reported at once when it is down, and within 3 s when it hangs', async () => {
    await using etcd = await startEtcd();
    const { endpoints } = etcd;
    await etcd.kill();
    const error = await attempt({ api, endpoints });
    expect(error).toBeInstanceOf(RegistryUnavailableError);
    expect(error).not.toBeInstanceOf(RegistryAccessError);
    expect((error as Error).message).toContain('ECONNREFUSED');
    await etcd.restart();
    await etcd.stop();
    const start = performance.now();
    expect(await attempt({ api, endpoints })).toBeInstanceOf(RegistryUnavailableError);
    // With a margin for a loaded machine, and below what two requests in a row would take.
    expect(performance.now() - start).toBeLessThan(5_900);
  });
});
