import type { CallOptions, LeaseChange, LeaseSnapshot, RegistryEntry } from '@flannel-ts/subnet';
import type { IEvent, IKeyValue } from 'etcd3';
import type { Keys } from '../keys.ts';
import { removed, sorted, written, type ReadLease } from '../lease-reader.ts';
import type { Connection } from './connection.ts';
import { formatRevision, NO_ETCD_LEASE, revisionOf } from './revision.ts';

/** Leases as etcd v3 holds them. */
export interface Entries {
  /** Reads all leases and the revision of etcd that they were read at, in one request. */
  readAll(options?: CallOptions): Promise<LeaseSnapshot & { readonly revision: bigint }>;
  /** `undefined` when the key is no subnet. */
  toLease(kv: IKeyValue): RegistryEntry | undefined;
  /** `undefined` for a change of a key that is no subnet. */
  toChange(event: IEvent): LeaseChange | undefined;
}

export function createEntries({
  connection,
  keys,
  read,
}: {
  readonly connection: Connection;
  readonly keys: Keys;
  readonly read: ReadLease;
}): Entries {
  const nameOf = (kv: IKeyValue) => kv.key.toString().slice(keys.subnets.length);

  function toLease(kv: IKeyValue): RegistryEntry | undefined {
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
      return { ...sorted(kvs.map(toLease)), revision: BigInt(header.revision) };
    },
    toChange({ type, kv }) {
      return type === 'Delete' ? removed(nameOf(kv)) : written(toLease(kv));
    },
  };
}
