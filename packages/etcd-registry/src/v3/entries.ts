import type { CallOptions, Lease, LeaseChange } from '@flannel-ts/subnet';
import type { IEvent, IKeyValue } from 'etcd3';
import type { Keys } from '../keys.ts';
import { removed, type LeaseEntry } from '../lease-reader.ts';
import type { Connection } from './connection.ts';
import { formatRevision, NO_ETCD_LEASE, revisionOf } from './revision.ts';

/** Leases as etcd v3 holds them. */
export interface Entries {
  /** All leases and the revision of etcd they were read at, in one request. */
  readAll(options?: CallOptions): Promise<{ readonly leases: readonly Lease[]; readonly revision: bigint }>;
  /** `undefined` for an entry that nobody can read. */
  toLease(kv: IKeyValue): Lease | undefined;
  /** `undefined` for a change of an entry that nobody can read. */
  toChange(event: IEvent): LeaseChange | undefined;
}

export function createEntries({
  connection,
  keys,
  read,
}: {
  readonly connection: Connection;
  readonly keys: Keys;
  readonly read: (entry: LeaseEntry) => Lease | undefined;
}): Entries {
  const nameOf = (kv: IKeyValue) => kv.key.toString().slice(keys.subnets.length);

  function toLease(kv: IKeyValue): Lease | undefined {
    return read({
      name: nameOf(kv),
      value: kv.value.toString(),
      revision: formatRevision(revisionOf(kv)),
      // The time is the etcd lease's, and asking for it would be one request for each lease.
      expiresAt: kv.lease === NO_ETCD_LEASE ? undefined : 'unknown',
    });
  }

  return {
    toLease,
    async readAll(options) {
      const range = { key: Buffer.from(keys.subnets), range_end: Buffer.from(keys.subnetsEnd) };
      const { kvs, header } = await connection.call(
        ({ member, request }) => member.client.kv.range(range, request),
        options,
      );
      return {
        leases: kvs.map(toLease).filter((lease) => lease !== undefined),
        revision: BigInt(header.revision),
      };
    },
    toChange({ type, kv }) {
      if (type === 'Delete') return removed(nameOf(kv));
      const lease = toLease(kv);
      return lease && { kind: 'put', lease };
    },
  };
}
