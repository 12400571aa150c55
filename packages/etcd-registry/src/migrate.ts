import { systemClock, type Clock, type Logger } from '@flannel-ts/subnet';
import { createKeys } from './keys.ts';
import { createEntryMigration, type MigrationEntry } from './migrate-entry.ts';
import { checkAccess, LIVENESS, type EtcdRegistryOptions } from './options.ts';
import { createConnection as connectV2 } from './v2/connection.ts';
import { directory } from './v2/entries.ts';
import { read } from './v2/read.ts';
import { createConnection as connectV3 } from './v3/connection.ts';

export interface MigrationOptions extends Omit<EtcdRegistryOptions, 'api' | 'relistMs'> {
  /** Whether to write; else the report says what would be written. */
  readonly apply: boolean;
  readonly signal?: AbortSignal | undefined;
}

/** The entries of v2 in the order in which they are copied. */
export type MigrationReport = readonly MigrationEntry[];

/** How many entries are copied at once. */
const AT_ONCE = 32;

/**
 * Copies network config and leases from etcd's v2 API to its v3 API: values as they are, leases with the time
 * they have left, reservations without. It may be stopped and run again at any time.
 *
 * The leases come first and the config last, as daemons with `api: 'auto'` use v3 as soon as the config is
 * there: they find every lease then, also those that hosts took during the migration.
 *
 * Throws `RegistryUnavailableError` of `@flannel-ts/subnet` like the registry.
 * @throws {EtcdOptionError}
 * @throws {RegistryAccessError} also when etcd does not serve the v2 API
 */
export async function migrateEtcd(
  { log, clock = systemClock }: { readonly log: Logger; readonly clock?: Clock },
  { apply, signal, ...options }: MigrationOptions,
): Promise<MigrationReport> {
  const access = checkAccess(options, log);
  const keys = createKeys(options.prefix);
  const finished = new AbortController();
  const components = { log, clock, random: () => 0 };
  const v2 = connectV2(components, { access, closed: finished.signal });
  const v3 = connectV3(components, { access, closed: finished.signal, liveness: LIVENESS });
  const call = { signal };
  const migrate = createEntryMigration({ log, clock, v3 }, { keys, apply, call });
  const report = new Map<string, MigrationEntry>();
  try {
    for (;;) {
      const { node } = await read(v2, directory(keys), call);
      const readAt = clock.now();
      const fresh = (node?.nodes ?? []).filter(({ key }) => !report.has(key));
      if (fresh.length === 0) break;
      for (let start = 0; start < fresh.length; start += AT_ONCE) {
        const part = fresh.slice(start, start + AT_ONCE);
        const entries = await Promise.all(part.map((entry) => migrate(entry, readAt)));
        for (const entry of entries) report.set(entry.key, entry);
      }
    }
    const { node: config } = await read(v2, keys.config, call);
    return [...report.values(), ...(config ? [await migrate(config, clock.now())] : [])];
  } finally {
    finished.abort();
  }
}
