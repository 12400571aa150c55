import {
  toChange,
  type CallOptions,
  type Clock,
  type LeaseChange,
  type LeaseSnapshot,
  type RegistryEntry,
} from '@flannel-ts/subnet';
import type { Keys } from '../keys.ts';
import type { LeaseEntry, LeaseReader } from '../lease-reader.ts';
import { HistoryLostError } from '../watch.ts';
import type { Node } from './answer.ts';
import type { Connection } from './connection.ts';
import { read } from './read.ts';

/** Leases as etcd v2 holds them. */
export interface Entries {
  /** Reads all leases and etcd's index when they were read, in one request. */
  readAll(options?: CallOptions): Promise<LeaseSnapshot & { readonly revision: bigint }>;
  /** `undefined` when the key is no subnet. */
  toLease(node: Node): RegistryEntry | undefined;
  /**
   * `undefined` for a change of a key that is no subnet.
   * @throws {HistoryLostError} for a change of a whole directory, which does not show the leases in it.
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
  clock,
  reader,
}: {
  readonly connection: Connection;
  readonly keys: Keys;
  readonly clock: Clock;
  readonly reader: LeaseReader;
}): Entries {
  const nameOf = (node: Node) => node.key.slice(keys.subnets.length);

  function toEntry(node: Node): LeaseEntry {
    const { value = '', modifiedIndex, ttl } = node;
    // By the seconds that are left: `expiration` is by the wall clock of etcd's leader.
    const expiresAt = ttl === undefined ? undefined : clock.now() + ttl * 1000;
    return { name: nameOf(node), value, revision: `${modifiedIndex}`, expiresAt };
  }

  return {
    toLease: (node) => reader.read(toEntry(node)),
    async readAll(options) {
      const { node, index } = await read(connection, directory(keys), options);
      return { ...reader.readAll((node?.nodes ?? []).map(toEntry)), revision: BigInt(index) };
    },
    toChange({ action, node }) {
      if (node.dir) throw new HistoryLostError(`the directory ${node.key} was changed (${action})`);
      if (isRemoval(action)) return reader.removed(nameOf(node));
      const entry = reader.read(toEntry(node));
      return entry && toChange(entry);
    },
  };
}

/** The directory of the leases. */
export function directory({ subnets }: Keys): string {
  return subnets.slice(0, -1);
}
