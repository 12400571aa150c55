import { withOptions } from './daemon-options.ts';
import { UsageError } from './flag-value.ts';
import type { FlagTable, Values } from './flag.ts';
import {
  apiFlag,
  dockerHostFlag,
  etcdFlags,
  flags,
  interfaceFlags,
  logFlag,
  subnetFileFlag,
} from './flags.ts';
import { parseFlags } from './parse-flags.ts';
import { splitWords } from './settings-files.ts';
import { closest } from './suggestion.ts';

const ENVIRONMENT =
  'Every flag is also read from the environment: -etcd-endpoints from FLANNELD_ETCD_ENDPOINTS.';

const cleanupFlags = {
  'dry-run': {
    kind: 'switch',
    group: 'What:',
    describe: 'only say what would be deleted',
    default: false,
  },
  lease: {
    kind: 'switch',
    group: 'What:',
    describe: 'also delete the lease of this host from etcd, so that another host may take its subnet',
    default: false,
  },
  ...subnetFileFlag,
  ...interfaceFlags,
  ...etcdFlags,
  ...apiFlag,
  ...dockerHostFlag,
  ...logFlag,
} as const satisfies FlagTable;

const migrateFlags = {
  apply: {
    kind: 'switch',
    group: 'What:',
    describe: 'write to the v3 API; without it, only say what would be written',
    default: false,
  },
  ...etcdFlags,
  ...logFlag,
} as const satisfies FlagTable;

/** What `flanneld` can be asked for by its first word; without one it is the daemon. */
export const commands = {
  run: {
    flags,
    usage:
      'flanneld [flags]\nflanneld cleanup [flags]\nflanneld etcd-migrate [flags]\n\n' +
      'Takes a subnet lease and keeps this host on the cluster’s overlay network.',
    epilogue: `${ENVIRONMENT}\nflanneld cleanup --help and flanneld etcd-migrate --help explain the other commands.`,
  },
  cleanup: {
    flags: cleanupFlags,
    usage:
      'flanneld cleanup [flags]\n\nRemoves what the stopped flanneld of this subnet file left on this host: routes, devices and rules. ' +
      'What belongs to other networks and programs stays.',
    epilogue: ENVIRONMENT,
  },
  'etcd-migrate': {
    flags: migrateFlags,
    usage:
      'flanneld etcd-migrate [flags]\n\nCopies the network config and the leases from etcd’s v2 API to its v3 API. ' +
      'Nothing is overwritten or deleted.',
    epilogue: ENVIRONMENT,
  },
} as const satisfies Readonly<Record<string, { flags: FlagTable; usage: string; epilogue: string }>>;

export type Settings = Values<typeof flags>;
export type CleanupSettings = Values<typeof cleanupFlags>;
export type MigrateSettings = Values<typeof migrateFlags>;

/** What the command line asks for. */
export type Request =
  | { readonly kind: 'help'; readonly text: string }
  | { readonly kind: 'version' }
  | (TaskBase & { readonly kind: 'run'; readonly settings: Settings })
  | (TaskBase & { readonly kind: 'cleanup'; readonly settings: CleanupSettings })
  | (TaskBase & { readonly kind: 'etcd-migrate'; readonly settings: MigrateSettings });

interface TaskBase {
  /** Flags and variables of upstream's log libraries that are given, and have no effect. */
  readonly ignored: readonly string[];
}

/**
 * Reads the command line and the environment.
 * @param readSettings - reads the variables of the daemon's unit, which every other command has, too, where neither
 *   its command line nor its environment says otherwise @default there are none
 * @throws {UsageError}
 */
export async function readRequest(
  args: readonly string[],
  environment: NodeJS.ProcessEnv,
  readSettings: () => Promise<NodeJS.ProcessEnv> = () => Promise.resolve({}),
): Promise<Request> {
  const [word] = args;
  const kind = word === undefined || word.startsWith('-') ? 'run' : readCommand(word);
  const { flags: table, ...help } = commands[kind];
  const source = { args, environment };
  if (kind !== 'run') {
    const settings = await readSettings();
    source.args = withOptions(args.slice(1), splitWords(settings['FLANNEL_OPTIONS'] ?? ''), table);
    source.environment = { ...settings, ...environment };
  }
  const parsed = await parseFlags<FlagTable>(table, help, source);
  if (parsed.kind !== 'values') return parsed;
  return { kind, settings: parsed.values, ignored: parsed.ignored } as unknown as Request;
}

function readCommand(word: string): keyof typeof commands {
  const known = Object.keys(commands).filter((name) => name !== 'run');
  if (known.includes(word)) return word as keyof typeof commands;
  const suggestion = closest(word, known);
  throw new UsageError(
    `unknown command ${JSON.stringify(word)}${suggestion ? `; did you mean ${suggestion}?` : ''}`,
  );
}
