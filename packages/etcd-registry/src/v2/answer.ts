import { ApiMissingError } from '../failure.ts';
import type { HttpAnswer } from './exchange.ts';

/** One key or directory of etcd v2. */
export interface Node {
  readonly key: string;
  /** Absent for a directory and for a deleted key. */
  readonly value?: string;
  readonly dir?: boolean;
  readonly nodes?: readonly Node[];
  /** Seconds that remained when the answer or the event was made; absent for a key without time to live. */
  readonly ttl?: number;
  /** etcd's index when the key was written last. */
  readonly modifiedIndex: number;
}

/** What etcd says to a request: done, or why not. */
export type Answer =
  | { readonly kind: 'done'; readonly action: string; readonly node: Node; readonly index: number }
  | { readonly kind: 'refused'; readonly code: number; readonly index: number };

/** etcd's `errorCode` for what a well-made request may meet (etcd, Documentation/v2/errorcode.md). */
export const KEY_NOT_FOUND = 100;
const COMPARE_FAILED = 101;
const NODE_EXISTS = 105;
export const INDEX_CLEARED = 401;

const REFUSALS: ReadonlySet<unknown> = new Set([KEY_NOT_FOUND, COMPARE_FAILED, NODE_EXISTS, INDEX_CLEARED]);

/**
 * Reads an answer of `/v2/keys`. What says nothing about the key is an error of the member: no leader, no
 * permission, no v2 API.
 */
export function parseAnswer({ status, headers, body }: HttpAnswer): Answer {
  const message = parseObject(body);
  if (!message) {
    if (status === 404) throw new ApiMissingError();
    throw new Error(`HTTP status ${status}: ${body.slice(0, 200).trim()}`);
  }
  const { errorCode: code, action, node } = message;
  const index = Number(headers['x-etcd-index'] ?? NaN);
  if (Number.isSafeInteger(index)) {
    if (typeof action === 'string' && isNode(node)) return { kind: 'done', action, node, index };
    if (REFUSALS.has(code)) return { kind: 'refused', code: code as number, index };
  }
  const reason = [message.message, message.cause].filter(Boolean).join(': ');
  throw new Error(reason || `HTTP status ${status} and no answer of etcd's: ${body.slice(0, 200).trim()}`);
}

function isNode(value: unknown): value is Node {
  const node = value as Partial<Node> | null | undefined;
  return typeof node?.key === 'string' && typeof node.modifiedIndex === 'number';
}

/** `undefined` for a text that is no JSON object. */
export function parseObject(text: string): Readonly<Record<string, unknown>> | undefined {
  try {
    const value: unknown = JSON.parse(text);
    return typeof value === 'object' && value ? (value as Record<string, unknown>) : undefined;
  } catch {
    return undefined;
  }
}
