import type { CallOptions, Clock, LeaseChange, LeaseSnapshot, RegistryEntry } from '@flannel-ts/subnet';
import type { Keys } from '../keys.ts';
import { removed, sorted, written, type ReadLease } from '../lease-reader.ts';
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

const REMOVALS: ReadonlySet<string> = new Set(['delete', 'compareAndDelete', 'expire']);

export function createEntries({
  connection,
  keys,
  clock,
  readLease,
}: {
  readonly connection: Connection;
  readonly keys: Keys;
  readonly clock: Clock;
  readonly readLease: ReadLease;
}): Entries {
  const nameOf = (node: Node) => node.key.slice(keys.subnets.length);

  function toLease(node: Node): RegistryEntry | undefined {
    const { value = '', modifiedIndex, ttl } = node;
    // By the seconds that are left: `expiration` is by the wall clock of etcd's leader.
    const expiresAt = ttl === undefined ? undefined : clock.now() + ttl * 1000;
    return readLease({ name: nameOf(node), value, revision: `${modifiedIndex}`, expiresAt });
  }

  return {
    toLease,
    async readAll(options) {
      const { node, index } = await read(connection, directory(keys), options);
      return { ...sorted((node?.nodes ?? []).map(toLease)), revision: BigInt(index) };
    },
    toChange({ action, node }) {
      if (node.dir) throw new HistoryLostError(`the directory ${node.key} was changed (${action})`);
      return REMOVALS.has(action) ? removed(nameOf(node)) : written(toLease(node));
    },
  };
}

/** The directory of the leases. */
export function directory({ subnets }: Keys): string {
  return subnets.slice(0, -1);
}
