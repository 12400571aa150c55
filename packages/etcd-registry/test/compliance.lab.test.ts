import { startEtcd, type Etcd } from '@flannel-ts/lab';
import { createRecordingLog, registryCompliance } from '@flannel-ts/subnet/testing';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createEtcdRegistry } from '../src/index.ts';
import { APIS } from './support.ts';

let etcd: Etcd;
let stores = 0;

beforeAll(async () => {
  etcd = await startEtcd({ enableV2: true });
});
afterAll(() => etcd[Symbol.asyncDispose]());

const operators = {
  v2: {
    put: (key: string, value: string) => etcd.etcdctlV2('set', key, value),
    remove: (key: string) => etcd.etcdctlV2('rm', key),
    shortestTtlMs: 1_000,
  },
  v3: {
    put: (key: string, value: string) => etcd.etcdctl('put', key, value),
    remove: (key: string) => etcd.etcdctl('del', key),
    // etcd's smallest for its default election timeout
    shortestTtlMs: 2_000,
  },
};

for (const api of APIS) {
  const { put, remove, shortestTtlMs } = operators[api];
  registryCompliance({
    name: `etcd ${api}`,
    describe,
    it,
    expect,
    setup: () => {
      const prefix = `/store${++stores}`;
      const log = createRecordingLog();
      return Promise.resolve({
        log,
        shortestTtlMs,
        open: () => createEtcdRegistry({ log }, { endpoints: etcd.endpoints, prefix, api }),
        writeConfig: async (text) => {
          await (text === undefined ? remove(`${prefix}/config`) : put(`${prefix}/config`, text));
        },
        writeEntry: async (key, value) => {
          await put(`${prefix}/subnets/${key}`, value);
        },
        deleteEntry: async (key) => {
          await remove(`${prefix}/subnets/${key}`);
        },
        [Symbol.asyncDispose]: () => Promise.resolve(),
      });
    },
  });
}
