import type { CallOptions } from '@flannel-ts/subnet';
import type { IKeyValue } from 'etcd3';
import type { Connection } from './connection.ts';
import type { EtcdLeases } from './etcd-lease.ts';
import { putLeased } from './leased-put.ts';
import { NO_ETCD_LEASE } from './revision.ts';
import { ABSENT } from './swap.ts';

/** A key from elsewhere. */
export interface Original {
  readonly key: string;
  readonly value: string;
  /** `undefined` for a key without time to live. */
  readonly ttlMs: number | undefined;
}

/** What v3 holds under an original's key. */
export type Presence = 'absent' | 'already-there' | 'differs';

/** Compares an original with v3. */
export async function compare(
  connection: Connection,
  original: Original,
  options: CallOptions,
): Promise<Presence> {
  const key = Buffer.from(original.key);
  const { kvs } = await connection.call(
    ({ member, request }) => member.client.kv.range({ key }, request),
    options,
  );
  return kvs[0] ? compareWith(kvs[0], original) : 'absent';
}

/** Copies an original unless its key is there, atomically; says what was there instead. */
export async function copy(
  { connection, etcdLeases }: { readonly connection: Connection; readonly etcdLeases: EtcdLeases },
  original: Original,
  options: CallOptions,
): Promise<'copied' | Exclude<Presence, 'absent'>> {
  const { key, value, ttlMs } = original;
  const etcdLease = await etcdLeases.grant(ttlMs, options);
  const put = { key, value, expected: ABSENT, etcdLease };
  const result = await putLeased({ connection, etcdLeases }, put, options);
  if (result.kind === 'done') return 'copied';
  return result.current ? compareWith(result.current, original) : 'differs';
}

/** The same value, and both or neither with a time to live: a reservation is another thing than a lease. */
function compareWith(current: IKeyValue, { value, ttlMs }: Original): Exclude<Presence, 'absent'> {
  const alike = (current.lease === NO_ETCD_LEASE) === (ttlMs === undefined);
  return alike && current.value.toString() === value ? 'already-there' : 'differs';
}
