import type { CallOptions } from '@flannel-ts/subnet';
import type { Connection } from './connection.ts';
import type { EtcdLease, EtcdLeases } from './etcd-lease.ts';
import { NO_ETCD_LEASE } from './revision.ts';
import { swap, type SwapResult } from './swap.ts';

/** A value to write over a key, only while its `mod_revision` is `expected`. */
export interface LeasedPut {
  readonly key: string;
  readonly expected: string;
  readonly value: string;
  readonly etcdLease: EtcdLease;
  /** Id of the etcd lease that the key is attached to so far. @default none */
  readonly held?: string;
}

/** Carries out a put, and releases the etcd lease that is of no use afterwards, also when the put fails. */
export async function putLeased(
  { connection, etcdLeases }: { readonly connection: Connection; readonly etcdLeases: EtcdLeases },
  { key, expected, value, etcdLease, held = NO_ETCD_LEASE }: LeasedPut,
  options?: CallOptions,
): Promise<SwapResult> {
  let useless = etcdLease.id;
  try {
    const put = { value, etcdLease: etcdLease.id };
    const result = await swap(connection, { key, expected, put }, options);
    if (result.kind === 'done') useless = held;
    return result;
  } finally {
    const releasing = etcdLease.id === held ? undefined : etcdLeases.release(useless);
    if (!options?.signal?.aborted) await releasing;
  }
}
