import {
  encodeLeaseAttributes,
  leaseKey,
  LeaseExistsError,
  LeaseLostError,
  type Clock,
  type LeaseVersion,
  type Logger,
  type Registry,
} from '@flannel-ts/subnet';
import type { IKeyValue } from 'etcd3';
import type { Keys } from '../keys.ts';
import { createLeaseReader } from '../lease-reader.ts';
import type { Access } from '../options.ts';
import { createConnection } from './connection.ts';
import { createEntries } from './entries.ts';
import { createEtcdLeases } from './etcd-lease.ts';
import { formatRevision, parseRevision } from './revision.ts';
import { ABSENT, swap } from './swap.ts';
import { watchLeases } from './watch.ts';

/** The registry over etcd's v3 API. */
export function createV3Registry(
  components: { readonly log: Logger; readonly clock: Clock; readonly random: () => number },
  { access, keys }: { readonly access: Access; readonly keys: Keys },
): Registry {
  const { log } = components;
  const closed = new AbortController();
  const connection = createConnection(components, { access, closed: closed.signal });
  const entries = createEntries({ connection, keys, read: createLeaseReader(log) });
  const etcdLeases = createEtcdLeases({ ...components, connection });
  const keyOf = (lease: Pick<LeaseVersion, 'subnets'>) => keys.subnets + leaseKey(lease);
  const lost = (lease: LeaseVersion, current: IKeyValue | undefined) =>
    new LeaseLostError(lease.subnets, current && entries.toLease(current));

  return {
    async readConfig(options) {
      const key = Buffer.from(keys.config);
      const { kvs } = await connection.call(
        ({ member, request }) => member.client.kv.range({ key }, request),
        options,
      );
      return kvs[0]?.value.toString();
    },

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
      const put = { value: encodeLeaseAttributes(attributes), etcdLease: etcdLease.id };
      const result = await swap(connection, { key: keyOf({ subnets }), expected: ABSENT, put }, options);
      if (result.kind === 'lost') {
        await etcdLeases.release(etcdLease.id);
        throw new LeaseExistsError(subnets);
      }
      const revision = formatRevision({ modRevision: result.modRevision, etcdLease: etcdLease.id });
      return { subnets, attributes, expiresAt: etcdLease.expiresAt, revision };
    },

    async updateLease(lease, { attributes, ttlMs }, options) {
      const held = parseRevision(lease.revision);
      const etcdLease = await etcdLeases.renew(held.etcdLease, ttlMs, options);
      const put = { value: encodeLeaseAttributes(attributes), etcdLease: etcdLease.id };
      const result = await swap(connection, { key: keyOf(lease), expected: held, put }, options);
      const unused = result.kind === 'done' ? held.etcdLease : etcdLease.id;
      if (etcdLease.id !== held.etcdLease) await etcdLeases.release(unused);
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

    watchLeases({ signal } = {}) {
      const either = signal ? AbortSignal.any([signal, closed.signal]) : closed.signal;
      return watchLeases({ ...components, connection, entries, keys }, either);
    },

    [Symbol.asyncDispose]() {
      closed.abort(new Error('the registry was closed'));
      return Promise.resolve();
    },
  };
}
