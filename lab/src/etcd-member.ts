import { run, start, type RunningProcess } from './command.ts';

/** A real etcd (Debian's etcd-server) with its data in a temporary directory. */
export interface Etcd extends AsyncDisposable {
  /** Client URLs; one for each member. */
  readonly endpoints: readonly string[];
  /** Returns the id of its process, or of the command that runs it. */
  pid(): number;
  /** Ends it at once with SIGKILL; clients see a reset. */
  kill(): Promise<void>;
  /** Starts it again on the same ports and data. */
  restart(): Promise<void>;
  /** Freezes it with SIGSTOP: connections stay open and nothing answers any more. */
  stop(): Promise<void>;
  /** Thaws it with SIGCONT. */
  cont(): void;
  /** Forgets all history up to the current revision. */
  compact(): Promise<void>;
  /** Writes many keys, 100 in a transaction. */
  putAll(entries: Iterable<readonly [key: string, value: string]>): Promise<void>;
  /** Runs `etcdctl` (v3 API) against it and returns what it prints. */
  etcdctl(...args: string[]): Promise<string>;
  /** Starts `etcdctl` (v3 API) against it, for commands that run on, such as `watch`. */
  startEtcdctl(...args: string[]): RunningProcess;
  /** The same as {@link Etcd.etcdctl} with the v2 API. */
  etcdctlV2(...args: string[]): Promise<string>;
}

/** etcd takes 128 at most. */
const OPERATIONS_PER_TRANSACTION = 100;

/** A member of a cluster, not started yet. @param command - etcd with its flags */
export function createMember(
  command: readonly string[],
  endpoint: string,
  options: {
    readonly commandPrefix?: readonly string[];
    readonly etcdctlFlags?: readonly string[];
  },
): Etcd {
  const { commandPrefix = [], etcdctlFlags = [] } = options;
  let process: RunningProcess | undefined;
  const client = (api: 2 | 3, ...flags: string[]) => [
    ...[...commandPrefix, 'env', `ETCDCTL_API=${api}`, 'etcdctl', `--endpoints=${endpoint}`, ...flags],
  ];
  // A machine with many etcds may be slow.
  const client2 = client(2, '--total-timeout=60s');
  const client3 = client(3, '--command-timeout=60s', ...etcdctlFlags);
  const etcdctl = (...args: string[]) => run([...client3, ...args]);
  const kill = async () => {
    process?.signal('SIGKILL');
    await process?.exited;
  };
  return {
    endpoints: [endpoint],
    pid: () => process!.pid,
    kill,
    async restart() {
      process = start([...commandPrefix, ...command]);
      await process.line(/ready to serve client requests/);
    },
    async stop() {
      await process?.freeze();
    },
    cont: () => process?.signal('SIGCONT'),
    async compact() {
      const { header } = JSON.parse(await etcdctl('get', 'any', '--write-out=json')) as {
        header: { revision: number };
      };
      await etcdctl('compact', '--physical', `${header.revision}`);
    },
    async putAll(entries) {
      const puts = Array.from(entries, ([key, value]) => `put ${key} ${JSON.stringify(value)}\n`);
      for (let start = 0; start < puts.length; start += OPERATIONS_PER_TRANSACTION) {
        const chunk = puts.slice(start, start + OPERATIONS_PER_TRANSACTION).join('');
        await run([...client3, 'txn'], { input: `\n${chunk}\n\n` });
      }
    },
    etcdctl,
    startEtcdctl: (...args) => start([...client3, ...args]),
    etcdctlV2: (...args) => run([...client2, ...args]),
    [Symbol.asyncDispose]: kill,
  };
}
