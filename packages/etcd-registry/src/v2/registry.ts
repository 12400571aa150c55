import {
  encodeLeaseAttributes,
  leaseKey,
  LeaseExistsError,
  LeaseLostError,
  type Clock,
  type LeaseRequest,
  type LeaseVersion,
  type Logger,
  type Registry,
} from '@flannel-ts/subnet';
import type { Keys } from '../keys.ts';
import { createLeaseReader } from '../lease-reader.ts';
import type { Access } from '../options.ts';
import { watchSource } from '../watch.ts';
import type { Node } from './answer.ts';
import { createConnection } from './connection.ts';
import { createEntries } from './entries.ts';
import { follow } from './follow.ts';
import { read } from './read.ts';
import { ABSENT, swap, type Put } from './swap.ts';

/** The registry over etcd's v2 API. A lease's revision is the `modifiedIndex` of its key. */
export function createV2Registry(
  components: { readonly log: Logger; readonly clock: Clock; readonly random: () => number },
  { access, keys }: { readonly access: Access; readonly keys: Keys },
): Registry {
  const { log, clock } = components;
  const closed = new AbortController();
  const connection = createConnection(components, { access, closed: closed.signal });
  const entries = createEntries({ connection, keys, clock, readLease: createLeaseReader(log) });
  const keyOf = (lease: Pick<LeaseVersion, 'subnets'>) => keys.subnets + leaseKey(lease);
  const lost = (lease: LeaseVersion, current: Node | undefined) =>
    new LeaseLostError(lease.subnets, current && entries.toLease(current));

  /** What to write, and the lease's fields that come of it. Its time begins by our clock, not by etcd's. */
  function prepare({ attributes, ttlMs }: Omit<LeaseRequest, 'subnets'>) {
    const ttl = ttlMs === undefined ? undefined : Math.ceil(ttlMs / 1000);
    const put: Put = { value: encodeLeaseAttributes(attributes), ttl };
    return { put, expiresAt: ttl === undefined ? undefined : clock.now() + ttl * 1000 };
  }

  return {
    async readConfig(options) {
      return (await read(connection, keys.config, options)).node?.value;
    },

    async readSnapshot(options) {
      const { leases, unreadable } = await entries.readAll(options);
      return { leases, unreadable };
    },

    readLeases: async (options) => (await entries.readAll(options)).leases,

    async readLease(subnets, options) {
      const { node } = await read(connection, keyOf({ subnets }), options);
      return node && entries.toLease(node);
    },

    async createLease({ subnets, attributes, ttlMs }, options) {
      const { put, expiresAt } = prepare({ attributes, ttlMs });
      const result = await swap(connection, { key: keyOf({ subnets }), expected: ABSENT, put }, options);
      if (result.kind === 'lost') throw new LeaseExistsError(subnets);
      return { subnets, attributes, expiresAt, revision: `${result.modifiedIndex}` };
    },

    async updateLease(lease, { attributes, ttlMs }, options) {
      const { put, expiresAt } = prepare({ attributes, ttlMs });
      const result = await swap(connection, { key: keyOf(lease), expected: lease.revision, put }, options);
      if (result.kind === 'lost') throw lost(lease, result.current);
      return { subnets: lease.subnets, attributes, expiresAt, revision: `${result.modifiedIndex}` };
    },

    async deleteLease(lease, options) {
      const result = await swap(connection, { key: keyOf(lease), expected: lease.revision }, options);
      if (result.kind === 'lost') throw lost(lease, result.current);
    },

    watchLeases({ signal } = {}) {
      const either = signal ? AbortSignal.any([signal, closed.signal]) : closed.signal;
      const steps = (seen: bigint, followed: AbortSignal) =>
        follow({ connection, entries, keys, clock }, seen, followed);
      return watchSource(components, { readAll: (read) => entries.readAll(read), follow: steps }, either);
    },

    [Symbol.asyncDispose]() {
      closed.abort(new Error('the registry was closed'));
      return Promise.resolve();
    },
  };
}
