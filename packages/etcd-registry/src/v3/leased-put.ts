import type { CallOptions } from '@flannel-ts/subnet';
import type { Connection } from './connection.ts';
import type { EtcdLease, EtcdLeases } from './etcd-lease.ts';
import type { Revision } from './revision.ts';
import { swap, type SwapResult } from './swap.ts';

/** A value to write over a key, only while its revision is `expected`. */
export interface LeasedPut {
  readonly key: string;
  readonly expected: Revision;
  readonly value: string;
  readonly etcdLease: EtcdLease;
}

/** Carries out a put, and releases the etcd lease that is of no use afterwards, also when the put fails. */
export async function putLeased(
  { connection, etcdLeases }: { readonly connection: Connection; readonly etcdLeases: EtcdLeases },
  { key, expected, value, etcdLease }: LeasedPut,
  options?: CallOptions,
): Promise<SwapResult> {
  let useless = etcdLease.id;
  try {
    const put = { value, etcdLease: etcdLease.id };
    const result = await swap(connection, { key, expected, put }, options);
    if (result.kind === 'done') useless = expected.etcdLease;
    return result;
  } finally {
    const releasing = etcdLease.id === expected.etcdLease ? undefined : etcdLeases.release(useless);
    if (!options?.signal?.aborted) await releasing;
  }
}
