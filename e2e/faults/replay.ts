import { publicIpOf, type EtcdClient } from './etcd-client.ts';
import { overlap } from './prefix.ts';

/** What happened to one key under `subnets/`. */
export interface HistoryEvent {
  readonly key: string;
  /** The value that was put; undefined when the key was deleted or its lease ended. */
  readonly value: string | undefined;
  readonly revision: number;
}

/** What a replay begins with, and who is who in it. */
export interface ReplayContext extends Pick<EtcdClient, 'isOurs'> {
  /** Values by key; they follow the events. */
  readonly present: Map<string, string>;
  /** All addresses that hosts have had, by host. */
  readonly hostAddresses: readonly ReadonlySet<string>[];
}

/**
 * Replays changes in their order. What the suite itself wrote is no violation, and may be overlapped: an operator's
 * careless entry can cover the subnets of several hosts.
 * @returns a line for each change by which a host took a subnet that another one holds, or wrote over another one's key
 */
export function replay(events: readonly HistoryEvent[], context: ReplayContext): string[] {
  return events.flatMap((event) => judge(event, context));
}

function judge({ key, value, revision }: HistoryEvent, context: ReplayContext): string[] {
  const { present, hostAddresses } = context;
  const former = present.get(key);
  if (value === undefined) {
    present.delete(key);
    return [];
  }
  present.set(key, value);
  if (context.isOurs(key, value)) return [];
  const ownerOf = (its: string) => nameOwner(its, hostAddresses);
  const owner = ownerOf(value);
  if (former !== undefined) {
    const isForeign = publicIpOf(former) !== undefined && ownerOf(former) !== owner;
    return isForeign ? [`revision ${revision}: ${owner} wrote ${key} over ${former.slice(0, 200)}`] : [];
  }
  const rivals = [...present].filter(
    ([other, its]) =>
      other !== key && overlap(other, key) && ownerOf(its) !== owner && !context.isOurs(other, its),
  );
  return rivals.map(
    ([other, its]) => `revision ${revision}: ${owner} took ${key} while ${ownerOf(its)} holds ${other}`,
  );
}

/** Returns the name of the host that has ever had a value's address, else the address. */
function nameOwner(value: string, hostAddresses: ReplayContext['hostAddresses']): string {
  const publicIp = publicIpOf(value) ?? '';
  const host = hostAddresses.findIndex((addresses) => addresses.has(publicIp));
  return host === -1 ? publicIp : `host${host + 1}`;
}
