import type { Content } from '../registry/entry.ts';
import type { Cluster } from '../world/cluster.ts';
import { peerOf, type ExpectedPeer } from './peer-text.ts';

/** What kernels must have for the entry of one key, which has not changed for so long that every host knows it. */
export interface Settled {
  readonly key: string;
  /** `undefined` when there is no entry. */
  readonly content: Content | undefined;
  /** What it asks of hosts other than its own. */
  readonly peer: ExpectedPeer | undefined;
  /** Whether its MAC address is another lease's too, so that it may be left out. */
  readonly isContested: boolean;
  /** The number of the first of the checks that have seen it as it is, one after another. */
  readonly since: number;
}

/** What is settled at one check. */
export interface SettledCheck {
  /** Counted from 1. */
  readonly number: number;
  readonly entries: ReadonlyMap<string, Settled>;
  /** Returns the entries that the check of a number did not see as they are. */
  readonly since: (known: number) => readonly Settled[];
}

/** Returns what finds the entries that have not changed for `ageMs`, at each check of a cluster. */
export function createSettled(cluster: Cluster, ageMs: number): () => SettledCheck {
  const { store, scheduler, settings } = cluster;
  let former = new Map<string, Settled>();
  let number = 0;

  return () => {
    number++;
    const contested = contestedMacs(cluster);
    const entries = new Map<string, Settled>();
    for (const [key, changedAt] of store.changedAt) {
      const content = store.entries.get(key)?.content;
      // What became unreadable may be followed as it was before.
      if (changedAt > scheduler.now - ageMs || (content && !content.attributes)) continue;
      const peer = content && peerOf(content, settings.config);
      const isContested = contested.has(peer?.mac ?? '');
      const known = former.get(key);
      const isSame = known?.content === content && known?.isContested === isContested;
      entries.set(key, isSame ? known : { key, content, peer, isContested, since: number });
    }
    former = entries;
    return {
      number,
      entries,
      since: memoize((known) => [...entries.values()].filter(({ since }) => since > known)),
    };
  };
}

/** Returns a function that works each of its values out once. */
function memoize<T>(workOut: (value: number) => T): (value: number) => T {
  const known = new Map<number, T>();
  return (value) => {
    const result = known.get(value) ?? workOut(value);
    known.set(value, result);
    return result;
  };
}

/**
 * Returns the MAC addresses that leases of different public addresses claim. A host whose address changed may leave
 * its former lease, until that expires; peers can follow one of the two, and which one is the backend's rule.
 */
function contestedMacs({ store, settings }: Cluster): ReadonlySet<string> {
  const destinations = new Map<string, string>();
  const contested = new Set<string>();
  for (const { content } of store.entries.values()) {
    const { mac, publicIp } = peerOf(content, settings.config) ?? {};
    if (!mac || !publicIp) continue;
    const destination = publicIp.toString();
    if ((destinations.get(mac) ?? destination) !== destination) contested.add(mac);
    destinations.set(mac, destination);
  }
  return contested;
}
