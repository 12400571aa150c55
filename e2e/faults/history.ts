import { start, type RunningProcess } from '@flannel-ts/lab';
import { fromBase64, SUBNETS, type EtcdClient } from './etcd-client.ts';
import { replay, type HistoryEvent } from './replay.ts';

/** Records every change of `subnets/`, by etcd's own tool, and finds what no daemon may do. */
export interface History extends AsyncDisposable {
  /** Begins with the keys that etcd has now, and records what follows. */
  begin(): Promise<void>;
  /** Ends the recording, as before etcd's data or certificates are replaced. */
  pause(): Promise<void>;
  /**
   * Judges what was recorded since the last call.
   * @param hostAddresses - all addresses that hosts have had, by host
   * @returns violations
   */
  check(hostAddresses: readonly ReadonlySet<string>[]): Promise<readonly string[]>;
  /** Number of changes so far. */
  readonly size: number;
}

/** Creates a history that records nothing before {@link History.begin}. */
export function createHistory(
  client: EtcdClient,
  options: {
    readonly endpoints: readonly string[];
    readonly inUnderlay: readonly string[];
    /** Credentials. */
    readonly flags: readonly string[];
  },
): History {
  const { endpoints, inUnderlay, flags } = options;
  const tool = ['env', 'ETCDCTL_API=3', 'etcdctl', `--endpoints=${endpoints.join(',')}`, ...flags];
  let events: HistoryEvent[] = [];
  let present = new Map<string, string>();
  let watch: RunningProcess | undefined;
  let size = 0;

  async function begin(): Promise<void> {
    const { revision, leases } = await client.listing();
    present = new Map(leases.map(({ key, value }) => [key, value]));
    events = [];
    const from = ['watch', '--prefix', SUBNETS, `--rev=${revision + 1}`, '--write-out=json'];
    watch = start([...inUnderlay, ...tool, ...from]);
    watch.onLine((line) => {
      const read = readEvents(line);
      events.push(...read);
      size += read.length;
    });
  }

  async function pause(): Promise<void> {
    await watch?.stop();
  }

  return {
    begin,
    pause,
    get size() {
      return size;
    },
    async check(hostAddresses) {
      const taken = events;
      events = [];
      const isOurs: EtcdClient['isOurs'] = (key, value) => client.isOurs(key, value);
      const violations = replay(taken, { present, isOurs, hostAddresses });
      // A compaction ends a watch that lags behind, and an expired token one that connects again.
      if (!watch?.running) await begin();
      return violations;
    },
    [Symbol.asyncDispose]: pause,
  };
}

function readEvents(line: string): HistoryEvent[] {
  if (!line.startsWith('{')) return [];
  const { Events: found } = JSON.parse(line) as {
    // Absent or null where etcd only reports its revision.
    Events?: { type?: number | string; kv: { key: string; value?: string; mod_revision: number } }[] | null;
  };
  return (found ?? []).map(({ type, kv }) => ({
    key: fromBase64(kv.key).slice(SUBNETS.length),
    value: type === 1 || type === 'DELETE' ? undefined : fromBase64(kv.value),
    revision: kv.mod_revision,
  }));
}
