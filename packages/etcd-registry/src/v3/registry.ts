import {
  encodeLeaseAttributes,
  leaseKey,
  LeaseExistsError,
  LeaseLostError,
  type CallOptions,
  type LeaseVersion,
} from '@flannel-ts/subnet';
import type { IKeyValue } from 'etcd3';
import { createLeaseReader } from '../lease-reader.ts';
import type { EtcdRegistry, RegistryComponents, RegistrySettings } from '../registry.ts';
import { watchConfig, watchLeases } from '../watcher.ts';
import { readConfig } from './config.ts';
import { createConnection } from './connection.ts';
import { createEntries } from './entries.ts';
import { createEtcdLeases } from './etcd-lease.ts';
import { putLeased } from './leased-put.ts';
import { formatRevision, parseRevision } from './revision.ts';
import { createSources } from './sources.ts';
import { ABSENT, swap } from './swap.ts';

/** The registry over etcd's v3 API. */
export function createV3Registry(
  components: RegistryComponents,
  { access, keys, relistMs, liveness }: RegistrySettings,
): EtcdRegistry {
  const { log } = components;
  const closed = new AbortController();
  const connection = createConnection(components, { access, closed: closed.signal, liveness });
  const entries = createEntries({ connection, keys, reader: createLeaseReader(log) });
  const etcdLeases = createEtcdLeases({ ...components, connection });
  const sources = createSources({ connection, entries, keys });
  const untilClosed = ({ signal }: CallOptions = {}) =>
    signal ? AbortSignal.any([signal, closed.signal]) : closed.signal;
  const watchComponents = { ...components, relistMs };
  const keyOf = (lease: Pick<LeaseVersion, 'subnets'>) => keys.subnets + leaseKey(lease);
  const lost = (lease: LeaseVersion, current: IKeyValue | undefined) =>
    new LeaseLostError(lease.subnets, current && entries.toLease(current));

  return {
    readConfig: async (options) => (await readConfig(connection, keys, options)).text,

    async readSnapshot(options) {
      const { leases, unreadable } = await entries.readAll(options);
      return { leases, unreadable };
    },

    readLeases: async (options) => (await entries.readAll(options)).leases,

    async readLease(subnets, options) {
      const key = Buffer.from(keyOf({ subnets }));
      const { kvs } = await connection.call(
        ({ member, request }) => member.client.kv.range({ key }, request),
        options,
      );
      return kvs[0] && entries.toLease(kvs[0]);
    },

    async createLease({ subnets, attributes, ttlMs }, options) {
      const etcdLease = await etcdLeases.grant(ttlMs, options);
      const put = { key: keyOf({ subnets }), expected: ABSENT, value: encodeLeaseAttributes(attributes) };
      const result = await putLeased({ connection, etcdLeases }, { ...put, etcdLease }, options);
      if (result.kind === 'lost') throw new LeaseExistsError(subnets);
      const revision = formatRevision({ modRevision: result.modRevision, etcdLease: etcdLease.id });
      return { subnets, attributes, expiresAt: etcdLease.expiresAt, revision };
    },

    async updateLease(lease, { attributes, ttlMs }, options) {
      const held = parseRevision(lease.revision);
      const etcdLease = await etcdLeases.renew(held.etcdLease, ttlMs, options);
      const put = { key: keyOf(lease), expected: held, value: encodeLeaseAttributes(attributes) };
      const result = await putLeased({ connection, etcdLeases }, { ...put, etcdLease }, options);
      if (result.kind === 'lost') throw lost(lease, result.current);
      const revision = formatRevision({ modRevision: result.modRevision, etcdLease: etcdLease.id });
      return { subnets: lease.subnets, attributes, expiresAt: etcdLease.expiresAt, revision };
    },

    async deleteLease(lease, options) {
      const held = parseRevision(lease.revision);
      const result = await swap(connection, { key: keyOf(lease), expected: held }, options);
      if (result.kind === 'lost') throw lost(lease, result.current);
      await etcdLeases.release(held.etcdLease);
    },

    watchLeases: (options) => watchLeases(watchComponents, sources.leases, untilClosed(options)),
    watchConfig: (options) => watchConfig(watchComponents, sources.config, untilClosed(options)),
    reconnect() {
      components.reconnects.announce();
      connection.reconnect();
    },

    [Symbol.asyncDispose]() {
      closed.abort(new Error('the registry was closed'));
      return Promise.resolve();
    },
  };
}
