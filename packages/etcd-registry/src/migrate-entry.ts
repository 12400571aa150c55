import {
  isReadable,
  parseNetworkConfig,
  type CallOptions,
  type Clock,
  type Logger,
} from '@flannel-ts/subnet';
import type { Keys } from './keys.ts';
import { createLeaseReader } from './lease-reader.ts';
import type { Node } from './v2/answer.ts';
import type { Connection } from './v3/connection.ts';
import { compare, copy } from './v3/copy.ts';
import { createEtcdLeases } from './v3/etcd-lease.ts';

/** What became of one entry of v2. */
export interface MigrationEntry {
  /** In v2 as in v3, such as `/coreos.com/network/subnets/10.5.1.0-24`. */
  readonly key: string;
  readonly kind: 'config' | 'lease' | 'reservation';
  /** Milliseconds that a lease had left when it was read. */
  readonly remainingTtlMs?: number;
  /**
   * `would-copy` when nothing is to be written; `already-there` and `differs` when v3 has the key, which is
   * never overwritten; `unreadable` for what no daemon can use, which is not copied.
   */
  readonly outcome: 'would-copy' | 'copied' | 'already-there' | 'differs' | 'unreadable';
}

/** Makes what copies one entry of v2, read at a time by the clock. */
export function createEntryMigration(
  components: { readonly log: Logger; readonly clock: Clock; readonly v3: Connection },
  { keys, apply, call }: { readonly keys: Keys; readonly apply: boolean; readonly call: CallOptions },
): (node: Node, readAt: number) => Promise<MigrationEntry> {
  const { log, clock, v3 } = components;
  const etcdLeases = createEtcdLeases({ log, clock, connection: v3 });
  const isReadable = createCheck(log, keys);

  async function migrate(node: Node, readAt: number): Promise<MigrationEntry['outcome']> {
    if (!isReadable(node)) return 'unreadable';
    const { key, value = '', ttl } = node;
    // What has expired since gets the shortest time.
    const ttlMs = ttl === undefined ? undefined : Math.max(1, readAt + ttl * 1000 - clock.now());
    const original = { key, value, ttlMs };
    const presence = await compare(v3, original, call);
    if (presence !== 'absent') return presence;
    return apply ? copy({ connection: v3, etcdLeases }, original, call) : 'would-copy';
  }

  return async (node, readAt) => {
    const { key, ttl } = node;
    const kind = key === keys.config ? 'config' : ttl === undefined ? 'reservation' : 'lease';
    const time = ttl !== undefined && { remainingTtlMs: ttl * 1000 };
    return { key, kind, ...time, outcome: await migrate(node, readAt) };
  };
}

/** Whether a daemon can use an entry; a warning says why not. */
function createCheck(log: Logger, keys: Keys): (node: Node) => boolean {
  const readLease = createLeaseReader(log);
  return ({ key, value = '' }) => {
    if (key !== keys.config) {
      const name = key.slice(keys.subnets.length);
      const lease = readLease({ name, value, revision: '', expiresAt: undefined });
      return lease !== undefined && isReadable(lease);
    }
    try {
      parseNetworkConfig(value);
      return true;
    } catch (error) {
      log.warn({ key, value, error }, 'the network config in etcd is unreadable; it is skipped');
      return false;
    }
  };
}
