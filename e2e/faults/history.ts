import { start, type RunningProcess } from '@flannel-ts/lab';
import type { Access } from './access.ts';
import { fromBase64, publicIpOf, SUBNETS, type EtcdClient } from './etcd-client.ts';
import { overlap } from './prefix.ts';

/** What happened to one key under `subnets/`. */
interface HistoryEvent {
  readonly key: string;
  /** The value that was put; undefined when the key was deleted or its lease ended. */
  readonly value: string | undefined;
  readonly revision: number;
}

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
    readonly access: Access;
  },
): History {
  const { endpoints, inUnderlay, access } = options;
  const tool = ['env', 'ETCDCTL_API=3', 'etcdctl', `--endpoints=${endpoints.join(',')}`];
  let events: HistoryEvent[] = [];
  let present = new Map<string, string>();
  let watch: RunningProcess | undefined;
  let size = 0;

  async function begin(): Promise<void> {
    const { revision, leases } = await client.listing();
    present = new Map(leases.map(({ key, value }) => [key, value]));
    events = [];
    const from = ['watch', '--prefix', SUBNETS, `--rev=${revision + 1}`, '--write-out=json'];
    watch = start([...inUnderlay, ...tool, ...access.etcd.etcdctlFlags, ...from]);
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
      const ownerOf = (value: string) => {
        const publicIp = publicIpOf(value) ?? '';
        const host = hostAddresses.findIndex((addresses) => addresses.has(publicIp));
        return host === -1 ? publicIp : `host${host + 1}`;
      };
      const violations = taken.flatMap((event) => judge(event, { present, client, ownerOf }));
      // A compaction ends a watch that lags behind, and an expired token one that connects again.
      if (!watch?.running) await begin();
      return violations;
    },
    [Symbol.asyncDispose]: pause,
  };
}

/** Replays one event over the keys that are present. */
function judge(
  { key, value, revision }: HistoryEvent,
  context: {
    readonly present: Map<string, string>;
    readonly client: Pick<EtcdClient, 'isOurs'>;
    readonly ownerOf: (value: string) => string;
  },
): string[] {
  const { present, client, ownerOf } = context;
  const former = present.get(key);
  if (value === undefined) {
    present.delete(key);
    return [];
  }
  present.set(key, value);
  if (client.isOurs(key, value)) return [];
  const owner = ownerOf(value);
  if (former !== undefined) {
    const isForeign = publicIpOf(former) !== undefined && ownerOf(former) !== owner;
    return isForeign ? [`revision ${revision}: ${owner} wrote ${key} over ${former.slice(0, 200)}`] : [];
  }
  const rivals = [...present].filter(
    ([other, its]) =>
      other !== key && overlap(other, key) && ownerOf(its) !== owner && !client.isOurs(other, its),
  );
  return rivals.map(
    ([other, its]) => `revision ${revision}: ${owner} took ${key} while ${ownerOf(its)} holds ${other}`,
  );
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
