import { startEtcd, type Etcd } from '@flannel-ts/lab';
import { createRecordingLog, registryCompliance } from '@flannel-ts/subnet/testing';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createEtcdRegistry } from '../src/index.ts';

let etcd: Etcd;
let stores = 0;

beforeAll(async () => {
  etcd = await startEtcd();
});
afterAll(() => etcd[Symbol.asyncDispose]());

registryCompliance({
  name: 'etcd v3',
  describe,
  it,
  expect,
  setup: () => {
    const prefix = `/store${++stores}`;
    const log = createRecordingLog();
    return Promise.resolve({
      log,
      // etcd's smallest for its default election timeout
      shortestTtlMs: 2_000,
      open: () => createEtcdRegistry({ log }, { endpoints: etcd.endpoints, prefix }),
      writeConfig: async (text) => {
        await etcd.etcdctl('put', `${prefix}/config`, text);
      },
      writeEntry: async (key, value) => {
        await etcd.etcdctl('put', `${prefix}/subnets/${key}`, value);
      },
      deleteEntry: async (key) => {
        await etcd.etcdctl('del', `${prefix}/subnets/${key}`);
      },
      [Symbol.asyncDispose]: () => Promise.resolve(),
    });
  },
});
