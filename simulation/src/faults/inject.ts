import { GOOD_PATH } from '../registry/network.ts';
import type { Cluster } from '../world/cluster.ts';
import { readdress, type Host } from '../world/host.ts';
import type { Fault, FaultOf } from './fault.ts';
import { beginAgain, loseDaemon, restart } from './host-down.ts';
import { injectJunk, overwriteLease } from './operator.ts';
import { beDown, EMPTY, heldEntry, prepareRestore } from './registry-down.ts';
import { interrupt, trouble } from './span.ts';

type Injectors = { readonly [K in Fault['kind']]: (cluster: Cluster, fault: FaultOf<K>) => void };

/** Schedules faults; each ends by itself. */
export function injectFaults(
  cluster: Cluster,
  faults: readonly Fault[],
  onFault: (fault: Fault) => void,
): void {
  const { scheduler } = cluster;
  for (const fault of faults) {
    if ('ageMs' in fault) prepareRestore(cluster, fault);
    scheduler.at(fault.at, () => {
      onFault(fault);
      inject(cluster, fault);
    });
  }
}

function inject<K extends Fault['kind']>(cluster: Cluster, fault: FaultOf<K>): void {
  (injectors[fault.kind] as (cluster: Cluster, fault: FaultOf<K>) => void)(cluster, fault);
}

const injectors: Injectors = {
  outage: (cluster, { durationMs }) => beDown(cluster, durationMs, () => undefined),
  partition(cluster, { hosts, durationMs }) {
    trouble(cluster, { hosts: pick(cluster, hosts), kind: 'blocking', durationMs }, (host) => {
      host.path.cutUntil = Math.max(host.path.cutUntil, cluster.scheduler.now + durationMs);
      interrupt(host);
      return () => undefined;
    });
  },
  'bad-network'(cluster, { hosts, durationMs, ...path }) {
    const { lostRequests, lostReplies, latencyMs } = path;
    trouble(cluster, { hosts: pick(cluster, hosts), kind: 'disturbing', durationMs }, (host) => {
      Object.assign(host.path, { lostRequests, lostReplies, latencyMs });
      return () => Object.assign(host.path, { ...GOOD_PATH, cutUntil: host.path.cutUntil });
    });
  },
  'watch-break'(cluster, { hosts, compact }) {
    if (compact) cluster.store.compact();
    for (const host of pick(cluster, hosts)) interrupt(host);
  },
  'watch-deaf'(cluster, { hosts, durationMs }) {
    trouble(cluster, { hosts: pick(cluster, hosts), kind: 'disturbing', durationMs }, (host) => {
      const watches = [...host.watches];
      for (const watch of watches) watch.deaf = true;
      return () => {
        for (const watch of watches) watch.deaf = false;
      };
    });
  },
  // What happens is scheduled before, with the backup.
  restore: () => undefined,
  'repeated-revision': () => undefined,
  wipe: (cluster, { downMs, ahead }) =>
    beDown(cluster, downMs, () => {
      cluster.store.restore(EMPTY);
      cluster.store.skipRevisions(ahead);
    }),
  'power-cut'(cluster, { hosts, downMs, keepSubnetFile, wipe }) {
    for (const index of hosts) loseDaemon(cluster, { index, downMs, keepSubnetFile, reboot: true });
    if (wipe) beDown(cluster, downMs / 2, () => cluster.store.restore(EMPTY));
  },
  pause(cluster, { host: index, durationMs, how }) {
    const host = cluster.hosts[index]!;
    if (host.time.paused) return;
    trouble(cluster, { hosts: [host], kind: 'blocking', durationMs }, () => {
      host.time.pause(how);
      if (durationMs > TCP_PATIENCE_MS) interrupt(host);
      return () => host.time.resume();
    });
  },
  crash: (cluster, { host: index, ...fault }) => loseDaemon(cluster, { index, ...fault }),
  readdress(cluster, { host: index, downMs, family, live }) {
    const { ipv4, ipv6 } = cluster.settings.config;
    // A host keeps or loses its identity as a whole: with both families, both addresses change.
    const families = ipv4 && ipv6 ? ([4, 6] as const) : [family];
    const change = (host: Host) => {
      const fresh = families.map((one) => [one === 4 ? 'ipv4' : 'ipv6', cluster.freshAddress(one)]);
      readdress(host, Object.fromEntries(fresh) as Host['publicIp']);
    };
    if (live) beginAgain(cluster, index, change);
    else restart(cluster, { index, downMs }, change);
  },
  'clock-step': (cluster, { host, ms }) => cluster.hosts[host]!.time.step(ms),
  junk: injectJunk,
  'delete-lease'(cluster, { host: index }) {
    const host = cluster.hosts[index]!;
    const entry = heldEntry(cluster, index);
    host.troubles.mark();
    if (entry) cluster.store.delete(entry.key);
  },
  'overwrite-lease'(cluster, { host: index, ...fault }) {
    const host = cluster.hosts[index]!;
    const entry = heldEntry(cluster, index);
    if (entry) overwriteLease(cluster, { host, key: entry.key, ...fault });
  },
};

/** A connection to a host that does not answer for longer is gone. */
const TCP_PATIENCE_MS = 15 * 60_000;

function pick({ hosts }: Cluster, indices: readonly number[]): readonly Host[] {
  return indices.map((index) => hosts[index]!);
}
