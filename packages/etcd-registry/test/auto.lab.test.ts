import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { startEtcd, type Etcd, type EtcdOptions } from '@flannel-ts/lab';
import { leaseKey, RegistryUnavailableError, type Registry } from '@flannel-ts/subnet';
import { createRecordingLog } from '@flannel-ts/subnet/testing';
import { describe, expect, it } from 'vitest';
import { createEtcdRegistry, type RegistryEvent } from '../src/index.ts';
import { follow, openAndFollow, PREFIX, request } from './support.ts';

const CONFIG = `${PREFIX}/config`;

/** A registry with the default API and its log. */
function open(etcd: Pick<Etcd, 'endpoints'>) {
  const log = createRecordingLog();
  const registry = createEtcdRegistry({ log }, { endpoints: etcd.endpoints });
  const said = () => log.entries.map(({ level, message }) => `${level}: ${message}`);
  return { registry, said, [Symbol.asyncDispose]: () => registry[Symbol.asyncDispose]() };
}

/** An etcd with configs that say where they are. */
async function startWith(where: { readonly v2?: true; readonly v3?: true }, options?: EtcdOptions) {
  const etcd = await startEtcd({ enableV2: true, ...options });
  if (where.v2) await etcd.etcdctlV2('set', CONFIG, 'in v2');
  if (where.v3) await etcd.etcdctl('put', CONFIG, 'in v3');
  return etcd;
}

/** Where a registry keeps a lease that it creates. */
async function home(registry: Registry, etcd: Etcd): Promise<string[]> {
  await registry.createLease(request('10.5.1.0-24'));
  const v2 = await etcd.etcdctlV2('ls', '--recursive', PREFIX).catch(() => '');
  const v3 = await etcd.etcdctl('get', '--prefix', '--keys-only', PREFIX);
  return Object.entries({ v2, v3 })
    .filter(([, keys]) => keys.includes('10.5.1.0-24'))
    .map(([api]) => api);
}

/** The first value of a stream, which is left then. */
async function first<T>(values: AsyncIterable<T>): Promise<T | undefined> {
  for await (const value of values) return value;
  return undefined;
}

const USES_V3 = "info: etcd's v3 API is used: the network config is there";
const USES_V2 = "info: etcd's v2 API is used: the network config is there and not in v3";
const USES_OLD = "info: etcd's v2 API is used: this etcd is too old for v3";

describe('without a choice of the API', () => {
  for (const [where, config, api, words] of [
    [{ v3: true }, 'in v3', 'v3', USES_V3],
    [{ v2: true }, 'in v2', 'v2', USES_V2],
    [{ v2: true, v3: true }, 'in v3', 'v3', USES_V3],
  ] as const) {
    it(`${api} is used when there is a config ${Object.keys(where).join(' and ')}`, async () => {
      await using etcd = await startWith(where);
      await using opened = open(etcd);
      expect(await opened.registry.readConfig()).toBe(config);
      expect(await opened.registry.readConfig()).toBe(config);
      expect(opened.said()).toEqual([words]);
      expect(await home(opened.registry, etcd)).toEqual([api]);
    });
  }

  it('v3 is used when etcd serves no v2', async () => {
    await using etcd = await startEtcd();
    await using opened = open(etcd);
    expect(await opened.registry.readConfig()).toBe(undefined);
    await etcd.etcdctl('put', CONFIG, 'in v3');
    expect(await opened.registry.readConfig()).toBe('in v3');
    expect(opened.said()).toEqual([USES_V3]);
  });

  it('a watch that begins later does not ask for v2, and reports nothing', async () => {
    await using etcd = await startEtcd();
    const events: RegistryEvent[] = [];
    const components = {
      log: createRecordingLog(),
      onEvent: (event: RegistryEvent) => void events.push(event),
    };
    await using registry = createEtcdRegistry(components, { endpoints: etcd.endpoints });
    // Asks for v2, too.
    expect(await registry.readConfig()).toBe(undefined);
    await etcd.etcdctl('put', CONFIG, 'in v3');
    expect(await registry.readConfig()).toBe('in v3');
    for (let round = 0; round < 100; round++) await first(registry.watchLeases());
    expect(events).toEqual([]);
  });

  for (const api of ['v2', 'v3'] as const) {
    it(`the config is waited for, and found when it comes to ${api}`, async () => {
      await using etcd = await startWith({});
      await using opened = open(etcd);
      const { registry } = opened;
      await using watch = follow(registry);
      expect(await registry.readConfig()).toBe(undefined);
      const { subnets, attributes, ttlMs } = request('10.5.1.0-24');
      const lease = { subnets, attributes, revision: '1' };
      for (const call of [
        () => registry.readLeases(),
        () => registry.createLease({ subnets, attributes, ttlMs }),
        () => registry.updateLease(lease, { attributes, ttlMs }),
        () => registry.deleteLease(lease),
      ]) {
        await expect(call()).rejects.toThrow(RegistryUnavailableError);
        await expect(call()).rejects.toThrow(`neither in v3 nor in v2; write it to ${CONFIG}`);
      }
      if (api === 'v2') await etcd.etcdctlV2('set', CONFIG, 'x');
      else await etcd.etcdctl('put', CONFIG, 'x');
      await watch.until(() => watch.events.length === 1);
      expect(await home(registry, etcd)).toEqual([api]);
      await watch.until(() => watch.events.length === 2);
      expect(watch.words()).toEqual(['snapshot', 'put 10.5.1.0-24']);
      expect(opened.said().filter((words) => words.includes('API is used'))).toHaveLength(1);
    });
  }

  for (const api of ['v2', 'v3'] as const) {
    it(`a watch of the config yields undefined, and the config as soon as it comes to ${api}`, async () => {
      await using etcd = await startWith({});
      await using opened = open(etcd);
      const texts = opened.registry.watchConfig()[Symbol.asyncIterator]();
      expect((await texts.next()).value).toBe(undefined);
      for (const text of ['x', 'y']) {
        const next = texts.next();
        if (api === 'v2') await etcd.etcdctlV2('set', CONFIG, text);
        else await etcd.etcdctl('put', CONFIG, text);
        expect((await next).value).toBe(text);
      }
      await texts.return?.();
    });
  }

  it('a config that comes later to the other API changes nothing', async () => {
    await using etcd = await startWith({ v2: true });
    await using opened = open(etcd);
    await opened.registry.readConfig();
    await etcd.etcdctl('put', CONFIG, 'in v3');
    expect(await opened.registry.readConfig()).toBe('in v2');
    await using later = open(etcd);
    expect(await later.registry.readConfig()).toBe('in v3');
  });
});

describe('while v3 does not answer', () => {
  it('a config in v2 is not used: it may be what a migration left behind', async () => {
    await using etcd = await startWith({ v2: true, v3: true });
    await using half = await serveOnlyHttp1(etcd);
    await using opened = open(half);
    await expect(opened.registry.readConfig()).rejects.toThrow(RegistryUnavailableError);
    expect(opened.said()).toEqual([]);
    await using v2 = createEtcdRegistry(
      { log: createRecordingLog() },
      { endpoints: half.endpoints, api: 'v2' },
    );
    expect(await v2.readConfig()).toBe('in v2');
  });

  it('nothing is decided while etcd is down, and all is well when it is back', async () => {
    await using etcd = await startWith({ v2: true, v3: true });
    await etcd.kill();
    await using opened = openAndFollow({ endpoints: etcd.endpoints });
    const { registry, watch, log, kinds } = opened;
    await expect(registry.readConfig()).rejects.toThrow('ECONNREFUSED');
    await expect.poll(kinds).toEqual(['interrupted']);
    await etcd.restart();
    await watch.until(() => watch.events.length === 1);
    expect(log.entries.map(({ level, message }) => `${level}: ${message}`)).toEqual([USES_V3]);
    await expect.poll(kinds).toEqual(['interrupted', 'restored']);
  });
});

describe('an etcd 2', () => {
  it('is used over v2, as it has no v3', async () => {
    await using old = await startEtcd2({ '/version': { etcdserver: '2.3.8', etcdcluster: '2.3.0' } });
    await using opened = open(old);
    expect(await opened.registry.readConfig()).toBe('of etcd 2');
    expect(opened.said()).toEqual([USES_OLD]);
    expect((await opened.registry.readLeases()).map(leaseKey)).toEqual([]);
  });

  for (const version of [
    { etcdserver: '3.4.23', etcdcluster: '3.4.0' },
    { etcdserver: '2.3.8', etcdcluster: '3.4.0' },
    { etcdserver: '3.4.23', etcdcluster: 'not_decided' },
    {},
  ]) {
    it(`is not what says ${JSON.stringify(version)}`, async () => {
      await using old = await startEtcd2({ '/version': version });
      await using opened = open(old);
      await expect(opened.registry.readConfig()).rejects.toThrow(RegistryUnavailableError);
      expect(opened.said()).toEqual([]);
    });
  }
});

it('a registry that is closed while it looks for the API gives up at once', async () => {
  const asked = Promise.withResolvers<void>();
  await using old = await listen((path) => {
    if (path === '/version') asked.resolve();
    return new Promise(() => undefined);
  });
  const { registry } = open(old);
  const reading = registry.readConfig();
  reading.catch(() => undefined);
  await asked.promise;
  const closing = performance.now();
  await registry[Symbol.asyncDispose]();
  await expect(reading).rejects.toThrow('the registry was closed');
  // A request that is not given up takes 3 s.
  expect(performance.now() - closing).toBeLessThan(2_900);
});

/** An etcd 2, of which Debian has none any more: what it answers by path, and no gRPC. */
function startEtcd2(answers: Readonly<Record<string, object>>) {
  const node = { key: CONFIG, value: 'of etcd 2', modifiedIndex: 7, createdIndex: 7 };
  const all: Readonly<Record<string, object>> = {
    [`/v2/keys${CONFIG}`]: { action: 'get', node },
    ...answers,
  };
  return listen((path) => {
    const answer = all[path];
    return answer
      ? { status: 200, body: answer }
      : { status: 404, body: { errorCode: 100, message: 'Key not found', cause: path, index: 7 } };
  });
}

/** An etcd that answers over HTTP/1 as ever and not over gRPC, as behind a broken proxy. */
function serveOnlyHttp1(etcd: Etcd) {
  return listen(async (path, query) => {
    const answer = await fetch(new URL(path + query, etcd.endpoints[0]));
    return { status: answer.status, body: (await answer.json()) as object };
  });
}

interface Reply {
  readonly status: number;
  readonly body: object;
}

async function listen(reply: (path: string, query: string) => Reply | Promise<Reply>) {
  const server = createServer((request, response) => {
    const { pathname, search } = new URL(request.url ?? '/', 'http://etcd');
    void Promise.resolve(reply(pathname, search)).then(({ status, body }) => {
      response.writeHead(status, { 'content-type': 'application/json', 'x-etcd-index': '7' });
      response.end(JSON.stringify(body));
    });
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return {
    endpoints: [`http://127.0.0.1:${(server.address() as AddressInfo).port}`],
    async [Symbol.asyncDispose]() {
      server.closeAllConnections();
      server.close();
      await once(server, 'close');
    },
  };
}
