import { parseAddress } from '@flannel-ts/ip';
import { encodeLeaseAttributes } from '@flannel-ts/subnet';
import type { Entry } from '../registry/entry.ts';
import type { Backup } from '../registry/store.ts';
import type { Cluster } from '../world/cluster.ts';
import type { FaultOf } from './fault.ts';
import { interrupt, trouble } from './span.ts';

/** What an etcd holds whose data is gone. */
export const EMPTY: Backup = { revision: 1, entries: new Map() };

/** The registry is down for a while, and something happens to it before it is up again. */
export function beDown(cluster: Cluster, durationMs: number, meanwhile: () => void): void {
  const { scheduler, weather, hosts } = cluster;
  const end = scheduler.now + durationMs;
  weather.downUntil = Math.max(weather.downUntil, end);
  trouble(cluster, { hosts, kind: 'blocking', durationMs }, (host) => {
    interrupt(host);
    return () => undefined;
  });
  scheduler.at(end, meanwhile);
}

/** Schedules the backup and the restore of it. */
export function prepareRestore(cluster: Cluster, fault: FaultOf<'restore' | 'repeated-revision'>): void {
  const { scheduler, store } = cluster;
  const { at, downMs, ageMs } = fault;
  scheduler.at(at - ageMs, () => {
    const backup = store.backUp();
    scheduler.at(at, () => {
      beDown(cluster, downMs, () => {
        const lost = fault.kind === 'repeated-revision' ? heldEntry(cluster, fault.host) : undefined;
        store.restore(backup);
        if (fault.kind === 'restore') store.skipRevisions(fault.ahead);
        else if (lost && lost.revision > store.revision) repeatRevision(cluster, lost);
      });
    });
  });
}

/** Gives the revision of an entry that was lost to another host's. */
function repeatRevision({ store }: Cluster, { key, revision }: Entry): void {
  store.skipRevisions(revision - store.revision - 1);
  store.put(key, encodeLeaseAttributes({ publicIp: { ipv4: parseAddress('198.51.100.5') } }));
}

/** Returns the entry of the lease that a host believes to hold, if both exist. */
export function heldEntry({ hosts, store }: Cluster, index: number): Entry | undefined {
  const key = hosts[index]!.daemon?.heldKey;
  return key === undefined ? undefined : store.entries.get(key);
}
