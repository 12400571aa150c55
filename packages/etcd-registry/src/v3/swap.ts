import type { CallOptions } from '@flannel-ts/subnet';
import type { IKeyValue } from 'etcd3';
import type { Connection } from './connection.ts';
import { NO_ETCD_LEASE, type Revision } from './revision.ts';

/** The revision of a key that is not there. */
export const ABSENT: Revision = { modRevision: '0', etcdLease: NO_ETCD_LEASE };

/**
 * A change of one key, only while its revision is `expected`. An etcd that was restored from a backup may give
 * a `mod_revision` that we know to another host's write; the id of the etcd lease is random, and differs.
 */
export interface Swap {
  readonly key: string;
  readonly expected: Revision;
  /** What to write; `undefined` deletes the key. */
  readonly put?: { readonly value: string; readonly etcdLease: string };
}

export type SwapResult =
  | { readonly kind: 'done'; readonly modRevision: string }
  | { readonly kind: 'lost'; readonly current: IKeyValue | undefined };

/** Carries out a swap in one transaction, exactly once even when an answer is lost and it is sent again. */
export async function swap(connection: Connection, change: Swap, options?: CallOptions): Promise<SwapResult> {
  const key = Buffer.from(change.key);
  const { expected, put } = change;
  const transaction = {
    compare: [
      { key, target: 'Mod' as const, result: 'Equal' as const, mod_revision: expected.modRevision },
      { key, target: 'Lease' as const, result: 'Equal' as const, lease: expected.etcdLease },
    ],
    success: [
      put
        ? { request_put: { key, value: Buffer.from(put.value), lease: put.etcdLease } }
        : { request_delete_range: { key } },
    ],
    failure: [{ request_range: { key } }],
  };
  return connection.call<SwapResult>(async ({ member, request, repeated }) => {
    const response = await member.client.kv.txn(transaction, request);
    if (response.succeeded) return { kind: 'done', modRevision: response.header.revision };
    const current = response.responses[0]?.response_range.kvs[0];
    if (repeated && isOutcome(change, current)) {
      return { kind: 'done', modRevision: current?.mod_revision ?? ABSENT.modRevision };
    }
    return { kind: 'lost', current };
  }, options);
}

/** Whether the key is as the swap would have left it. */
function isOutcome({ put }: Swap, current: IKeyValue | undefined): boolean {
  if (!put || !current) return !put && !current;
  return current.value.toString() === put.value && current.lease === put.etcdLease;
}
