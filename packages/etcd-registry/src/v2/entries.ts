import type { CallOptions, Lease, LeaseChange } from '@flannel-ts/subnet';
import type { Keys } from '../keys.ts';
import { removed, type LeaseEntry } from '../lease-reader.ts';
import { HistoryLostError } from '../watch.ts';
import type { Node } from './answer.ts';
import type { Connection } from './connection.ts';
import { read } from './read.ts';

/** Leases as etcd v2 holds them. */
export interface Entries {
  /** All leases and etcd's index when they were read, in one request. */
  readAll(options?: CallOptions): Promise<{ readonly leases: readonly Lease[]; readonly revision: bigint }>;
  /** `undefined` for an entry that nobody can read. */
  toLease(node: Node): Lease | undefined;
  /**
   * `undefined` for a change of an entry that nobody can read.
   * @throws {HistoryLostError} for a change of a whole directory, which does not tell the leases in it.
   */
  toChange(event: { readonly action: string; readonly node: Node }): LeaseChange | undefined;
}

/** Whether an action ends a key. */
export function isRemoval(action: string): boolean {
  return action === 'delete' || action === 'compareAndDelete' || action === 'expire';
}

export function createEntries({
  connection,
  keys,
  toLease: fromEntry,
}: {
  readonly connection: Connection;
  readonly keys: Keys;
  readonly toLease: (entry: LeaseEntry) => Lease | undefined;
}): Entries {
  const nameOf = (node: Node) => node.key.slice(keys.subnets.length);

  function toLease(node: Node): Lease | undefined {
    const { value = '', modifiedIndex, expiration } = node;
    return fromEntry({
      name: nameOf(node),
      value,
      revision: `${modifiedIndex}`,
      expiresAt: expiration === undefined ? undefined : Date.parse(expiration),
    });
  }

  return {
    toLease,
    async readAll(options) {
      const { node, index } = await read(connection, directory(keys), options);
      const leases = (node?.nodes ?? []).map(toLease).filter((lease) => lease !== undefined);
      return { leases, revision: BigInt(index) };
    },
    toChange({ action, node }) {
      if (node.dir) throw new HistoryLostError(`the directory ${node.key} was changed (${action})`);
      if (isRemoval(action)) return removed(nameOf(node));
      const lease = toLease(node);
      return lease && { kind: 'put', lease };
    },
  };
}

/** The directory of the leases. */
export function directory({ subnets }: Keys): string {
  return subnets.slice(0, -1);
}
