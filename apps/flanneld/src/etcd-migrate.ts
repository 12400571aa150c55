import { migrateEtcd, type MigrationReport } from '@flannel-ts/etcd-registry';
import type { CommandContext } from './command-context.ts';
import { etcdOptions } from './open-registry.ts';
import type { MigrateSettings } from './request.ts';

const OUTCOMES: Readonly<Record<MigrationReport[number]['outcome'], string>> = {
  'would-copy': 'would be copied',
  copied: 'copied',
  'already-there': 'is in v3 already',
  differs: 'is in v3 with another value; left as it is',
  unreadable: 'cannot be read; left out',
};

/** Copies config and leases from etcd's v2 API to its v3 API, and prints a line for each. */
export async function migrate(
  settings: MigrateSettings,
  { log, signal, print }: CommandContext,
): Promise<void> {
  const report = await migrateEtcd({ log }, { ...etcdOptions(settings), apply: settings.apply, signal });
  if (report.length === 0) {
    print(`There is nothing under ${settings['etcd-prefix']} in etcd's v2 API.`);
    return;
  }
  const width = Math.max(...report.map(({ key }) => key.length));
  for (const entry of report)
    print(`${entry.key.padEnd(width)}  ${describe(entry)}  ${OUTCOMES[entry.outcome]}`);
  if (!settings.apply) print('\nNothing was written. With --apply, it is.');
}

function describe({ kind, remainingTtlMs }: MigrationReport[number]): string {
  const minutes = remainingTtlMs === undefined ? '' : `, ${Math.round(remainingTtlMs / 60_000)} min left`;
  return `${kind}${minutes}`.padEnd('lease, 1440 min left'.length);
}
