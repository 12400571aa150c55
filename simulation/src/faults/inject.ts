import { parseAddress } from '@flannel-ts/ip';
import { encodeLeaseAttributes } from '@flannel-ts/subnet';
import type { Entry } from '../registry/entry.ts';
import { GOOD_PATH } from '../registry/network.ts';
import type { Backup } from '../registry/store.ts';
import type { Cluster } from '../world/cluster.ts';
import { macOf, type Host } from '../world/host.ts';
import type { Trouble } from '../world/troubles.ts';
import type { Fault } from './fault.ts';
import { injectJunk, overwriteLease } from './operator.ts';

type FaultOf<K extends Fault['kind']> = Extract<Fault, { readonly kind: K }>;
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
      host.path.cuts++;
      interrupt(host);
      return () => host.path.cuts--;
    });
  },
  'bad-network'(cluster, { hosts, durationMs, ...path }) {
    const { lostRequests, lostReplies, latencyMs } = path;
    trouble(cluster, { hosts: pick(cluster, hosts), kind: 'disturbing', durationMs }, (host) => {
      Object.assign(host.path, { lostRequests, lostReplies, latencyMs });
      return () => Object.assign(host.path, { ...GOOD_PATH, cuts: host.path.cuts });
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
  readdress(cluster, { host: index, downMs, family }) {
    restart(cluster, { index, downMs }, (host) => {
      const { ipv4, ipv6 } = cluster.settings.config;
      // A host keeps or loses its identity as a whole: with both families, both addresses change.
      const families = ipv4 && ipv6 ? ([4, 6] as const) : [family];
      for (const one of families) {
        host.publicIp = { ...host.publicIp, [one === 4 ? 'ipv4' : 'ipv6']: cluster.freshAddress(one) };
      }
    });
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

/** What an etcd holds whose data is gone. */
const EMPTY: Backup = { revision: 1, entries: new Map() };

function pick({ hosts }: Cluster, indices: readonly number[]): readonly Host[] {
  return indices.map((index) => hosts[index]!);
}

function interrupt(host: Host): void {
  host.troubles.mark();
  for (const watch of host.watches) watch.interrupt();
}

/** Begins something on each host that lasts; `begin` returns how it ends. */
function trouble(
  { scheduler }: Cluster,
  span: { readonly hosts: readonly Host[]; readonly kind: Trouble; readonly durationMs: number },
  begin: (host: Host) => () => void,
): void {
  for (const host of span.hosts) {
    host.troubles.begin(span.kind);
    const end = begin(host);
    scheduler.at(scheduler.now + span.durationMs, () => {
      end();
      host.troubles.end(span.kind);
    });
  }
}

/** The registry is down for a while, and something happens to it before it is up again. */
function beDown(cluster: Cluster, durationMs: number, meanwhile: () => void): void {
  const { scheduler, weather, hosts } = cluster;
  weather.outages++;
  trouble(cluster, { hosts, kind: 'blocking', durationMs }, (host) => {
    interrupt(host);
    return () => undefined;
  });
  scheduler.at(scheduler.now + durationMs, () => {
    meanwhile();
    weather.outages--;
  });
}

function prepareRestore(cluster: Cluster, fault: FaultOf<'restore' | 'repeated-revision'>): void {
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

function repeatRevision({ store }: Cluster, { key, revision }: Entry): void {
  store.skipRevisions(revision - store.revision - 1);
  store.put(key, encodeLeaseAttributes({ publicIp: { ipv4: parseAddress('198.51.100.5') } }));
}

function heldEntry({ hosts, store }: Cluster, index: number): Entry | undefined {
  const key = hosts[index]!.daemon?.heldKey;
  return key === undefined ? undefined : store.entries.get(key);
}

function loseDaemon(
  cluster: Cluster,
  loss: {
    readonly index: number;
    readonly downMs: number;
    readonly keepSubnetFile: boolean;
    readonly reboot: boolean;
  },
): void {
  restart(cluster, loss, (host) => {
    if (!loss.keepSubnetFile) host.previous = undefined;
    if (loss.reboot) host.kernel.reboot(macOf(host.index, host.random.integer(1, 0xffff)));
  });
}

/** Kills a daemon that runs, changes its host, and starts it again. */
function restart(
  cluster: Cluster,
  { index, downMs }: { readonly index: number; readonly downMs: number },
  change: (host: Host) => void,
): void {
  const host = cluster.hosts[index]!;
  if (!host.daemon || host.time.paused) return;
  cluster.kill(host);
  change(host);
  if (downMs === Infinity) return;
  trouble(cluster, { hosts: [host], kind: 'blocking', durationMs: downMs }, () => () => cluster.start(host));
}
