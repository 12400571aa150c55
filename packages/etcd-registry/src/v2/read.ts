import type { CallOptions } from '@flannel-ts/subnet';
import { KEY_NOT_FOUND, type Node } from './answer.ts';
import type { Connection } from './connection.ts';
import type { Member } from './member.ts';

export interface ReadResult {
  /** The key's node, for a directory with those in it by key; `undefined` when there is no such key. */
  readonly node: Node | undefined;
  /** etcd's index when it was read. */
  readonly index: number;
}

/** Reads a key or directory. */
export function read(connection: Connection, key: string, options?: CallOptions): Promise<ReadResult> {
  return connection.call(({ member, deadline }) => readFrom(member, key, deadline), options);
}

/** Reads through one member what a majority of the cluster agrees on: alone it may be behind. */
export async function readFrom(member: Member, key: string, deadline: number): Promise<ReadResult> {
  const answer = await member.request({ key, query: { quorum: true, sorted: true } }, deadline);
  if (answer.kind === 'done') return { node: answer.node, index: answer.index };
  if (answer.code === KEY_NOT_FOUND) return { node: undefined, index: answer.index };
  throw new Error(`etcd refuses to read ${key}: error code ${answer.code}`);
}
