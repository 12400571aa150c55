import type { LeaseChange, LeaseSnapshot } from '@flannel-ts/subnet';
import type { IEvent } from 'etcd3';
import type { Keys } from '../keys.ts';
import type { Config } from '../ledger.ts';
import type { WatchSource } from '../watch.ts';
import { readConfig, toConfig } from './config.ts';
import type { Connection } from './connection.ts';
import type { Entries } from './entries.ts';
import { follow } from './follow.ts';

/** What can be watched over v3. */
export function createSources({
  connection,
  entries,
  keys,
}: {
  readonly connection: Connection;
  readonly entries: Entries;
  readonly keys: Keys;
}): {
  readonly leases: WatchSource<LeaseSnapshot, LeaseChange>;
  readonly config: WatchSource<Config, Config>;
} {
  const leases = {
    range: { key: Buffer.from(keys.subnets), range_end: Buffer.from(keys.subnetsEnd) },
    toChange: (event: IEvent) => entries.toChange(event),
  };
  const config = {
    range: { key: Buffer.from(keys.config) },
    toChange: ({ type, kv }: IEvent) => toConfig(type === 'Delete' ? undefined : kv),
  };
  return {
    leases: {
      list: (options) => entries.readAll(options),
      follow: (after, onStep, signal) => follow(connection, leases, { after, onStep, signal }),
    },
    config: {
      list: (options) => readConfig(connection, keys, options),
      follow: (after, onStep, signal) => follow(connection, config, { after, onStep, signal }),
    },
  };
}
