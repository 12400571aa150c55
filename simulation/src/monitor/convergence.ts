import { getEventListeners } from 'node:events';
import type { Cluster } from '../world/cluster.ts';
import { addressOf, type Host } from '../world/host.ts';
import { createKernelCheck } from './kernels.ts';
import { hasFreeSubnets } from './leases.ts';
import type { RunRecord } from './record.ts';
import { createSettled } from './settled.ts';
import { isRival, publicIp } from './writes.ts';

/** Milliseconds that a host has to recover from the last fault that touched it. */
export const RECOVERY_MS = 15 * 60_000;
/** Listeners that a daemon's signal may have; each part of a daemon has a few. */
const LISTENERS = 20;
/** Timers that a host may have. */
const TIMERS = 30;

/**
 * Returns what checks that every host that had time to recover holds a lease, and that its kernel is equal to the
 * leases.
 */
export function createConvergenceCheck(record: RunRecord, cluster: Cluster): () => void {
  const { hosts, scheduler, settings, store } = cluster;
  const findSettled = createSettled(cluster, RECOVERY_MS);
  const checkKernel = createKernelCheck(record, cluster);

  return () => {
    const settled = findSettled();
    if (settings.config.ipv6) checkOverlaps(record, cluster);
    for (const host of hosts) {
      if (!host.daemon || host.time.paused || !host.troubles.calmFor(RECOVERY_MS)) continue;
      checkLease(record, cluster, host);
      if (host.daemon.held && !settings.config.ipv6) checkKernel(host, settled);
      checkBounds(record, host);
    }
    const allowed = TIMERS * hosts.length + store.entries.size + 1000;
    if (scheduler.pending > allowed) record.fail(`${scheduler.pending} timers wait, more than ${allowed}`);
  };
}

function checkLease(record: RunRecord, cluster: Cluster, host: Host): void {
  const { store, scheduler } = cluster;
  const { held, heldKey } = host.daemon!;
  if (!held || !heldKey) {
    const since = scheduler.now - RECOVERY_MS;
    if (hasFreeSubnets(cluster, since)) record.fail(`${host.name} has no lease`);
    return;
  }
  const entry = store.entries.get(heldKey);
  if (!entry) record.fail(`${host.name} keeps ${heldKey}, which is not in the registry`);
  else if (publicIp(entry) !== addressOf(host))
    record.fail(`${host.name} keeps ${heldKey}, which is the lease of ${publicIp(entry) ?? 'no host'}`);
}

/** With both families, the registry cannot refuse a lease for half of its subnets: the daemons see to it. */
function checkOverlaps(record: RunRecord, { store, scheduler }: Cluster): void {
  const settled = scheduler.now - RECOVERY_MS;
  const leases = [...store.entries.values()].filter(
    ({ ttlMs, since }) => ttlMs !== undefined && since <= settled,
  );
  for (const [index, lease] of leases.entries()) {
    const rival = leases.slice(index + 1).find((other) => isRival(other.content, lease.content));
    if (rival) record.fail(`the leases ${lease.key} and ${rival.key} overlap`);
  }
}

function checkBounds(record: RunRecord, { name, watches, daemon }: Host): void {
  if (watches.size !== 1) record.fail(`${name} has ${watches.size} watches`);
  // A host that waits for a free subnet takes in no events.
  const { waiting } = [...watches][0] ?? { waiting: 0 };
  if (daemon!.held && waiting > 0) record.fail(`${name} has not taken ${waiting} events`);
  const listeners = getEventListeners(daemon!.generation.signal, 'abort').length;
  if (listeners > LISTENERS) record.fail(`the signal of ${name} has ${listeners} listeners`);
}
