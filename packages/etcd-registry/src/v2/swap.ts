import type { CallOptions } from '@flannel-ts/subnet';
import type { Node } from './answer.ts';
import type { Connection } from './connection.ts';
import type { KeyRequest } from './member.ts';
import { readFrom } from './read.ts';

/** A change of one key, only while it is as expected. */
export interface Swap {
  readonly key: string;
  /** Its `modifiedIndex`, or that the key is not there. */
  readonly expected: string | typeof ABSENT;
  /** What to write; `undefined` deletes the key. */
  readonly put?: Put;
}

export interface Put {
  readonly value: string;
  /** Time to live in seconds; the key has none without. */
  readonly ttl: number | undefined;
}

export const ABSENT = Symbol('absent');

export type SwapResult =
  | { readonly kind: 'done'; readonly modifiedIndex: number }
  | { readonly kind: 'lost'; readonly current: Node | undefined };

/** Carries out a swap, exactly once even when an answer is lost and it is sent again. */
export async function swap(connection: Connection, change: Swap, options?: CallOptions): Promise<SwapResult> {
  const request = toRequest(change);
  return connection.call<SwapResult>(async ({ member, deadline, repeated }) => {
    const answer = await member.request(request, deadline);
    if (answer.kind === 'done') return { kind: 'done', modifiedIndex: answer.node.modifiedIndex };
    const { node, index } = await readFrom(member, change.key, deadline);
    if (repeated && isOutcome(change, node)) {
      return { kind: 'done', modifiedIndex: node?.modifiedIndex ?? index };
    }
    return { kind: 'lost', current: node };
  }, options);
}

function toRequest({ key, expected, put }: Swap): KeyRequest {
  const query: KeyRequest['query'] = expected === ABSENT ? { prevExist: 'false' } : { prevIndex: expected };
  if (!put) return { method: 'DELETE', key, query };
  const { value, ttl } = put;
  return { key, query, form: { value, ...(ttl !== undefined && { ttl }) } };
}

/** Whether the key is as the swap would have left it. */
function isOutcome({ put }: Swap, current: Node | undefined): boolean {
  if (!put || !current) return !put && !current;
  return current.value === put.value && (current.ttl === undefined) === (put.ttl === undefined);
}
