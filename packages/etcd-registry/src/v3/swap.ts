import type { CallOptions } from '@flannel-ts/subnet';
import type { IKeyValue } from 'etcd3';
import type { Connection } from './connection.ts';

/** The `mod_revision` of a key that is not there. */
export const ABSENT = '0';

/** A change of one key, only while its `mod_revision` is `expected`. */
export interface Swap {
  readonly key: string;
  readonly expected: string;
  /** What to write; `undefined` deletes the key. */
  readonly put?: { readonly value: string; readonly etcdLease: string };
}

export type SwapResult =
  | { readonly kind: 'done'; readonly modRevision: string }
  | { readonly kind: 'lost'; readonly current: IKeyValue | undefined };

/** Carries out a swap in one transaction, exactly once even when an answer is lost and it is sent again. */
export async function swap(connection: Connection, change: Swap, options?: CallOptions): Promise<SwapResult> {
  const key = Buffer.from(change.key);
  const { put } = change;
  const transaction = {
    compare: [{ key, target: 'Mod' as const, result: 'Equal' as const, mod_revision: change.expected }],
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
      return { kind: 'done', modRevision: current?.mod_revision ?? ABSENT };
    }
    return { kind: 'lost', current };
  }, options);
}

/** Whether the key is as the swap would have left it. */
function isOutcome({ put }: Swap, current: IKeyValue | undefined): boolean {
  if (!put || !current) return !put && !current;
  return current.value.toString() === put.value && current.lease === put.etcdLease;
}
