import { getEventListeners } from 'node:events';
import type { Prefix } from '@flannel-ts/ip';
import type { Entry } from '../registry/entry.ts';
import type { Cluster } from '../world/cluster.ts';
import { addressOf, type Host } from '../world/host.ts';
import { isFollowed, peerOf, peerText, stateText, type ExpectedPeer } from './peer-text.ts';
import type { RunRecord } from './record.ts';
import { isRival, publicIp } from './writes.ts';

/** Milliseconds that a host has to recover from the last fault that touched it. */
export const RECOVERY_MS = 15 * 60_000;
/** Listeners that a daemon's signal may have; each part of a daemon has a few. */
const LISTENERS = 20;
/** Timers that a host may have. */
const TIMERS = 30;

/** Checks that every host that had time to recover holds a lease, and that its kernel is equal to the leases. */
export function checkConvergence(record: RunRecord, cluster: Cluster): void {
  const { hosts, scheduler, settings } = cluster;
  const settled = findSettled(cluster);
  if (settings.config.ipv6) checkOverlaps(record, cluster);
  for (const host of hosts) {
    if (!host.daemon || host.time.paused || !host.troubles.calmFor(RECOVERY_MS)) continue;
    checkLease(record, cluster, host);
    if (host.daemon.held && !settings.config.ipv6) checkKernel(record, cluster, { host, settled });
    checkBounds(record, host);
  }
  const allowed = TIMERS * hosts.length + cluster.store.entries.size + 1000;
  if (scheduler.pending > allowed) record.fail(`${scheduler.pending} timers wait, more than ${allowed}`);
}

function checkLease(record: RunRecord, { store, settings }: Cluster, host: Host): void {
  const { held, heldKey } = host.daemon!;
  if (!held || !heldKey) {
    const { network, subnetLength } = settings.config.ipv4!;
    const isFull = store.entries.size > 2 ** (subnetLength - network.length) / 4;
    if (!isFull) record.fail(`${host.name} has no lease`);
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

/** What kernels must have for the entry of one key, which has not changed for so long that every host knows it. */
interface Settled {
  readonly key: string;
  readonly entry: Entry | undefined;
  /** What it asks of hosts other than its own. */
  readonly peer: ExpectedPeer | undefined;
  /** Whether its MAC address is another lease's too, so that it may be left out. */
  readonly isContested: boolean;
}

function findSettled(cluster: Cluster): readonly Settled[] {
  const { store, scheduler, settings } = cluster;
  const contested = contestedMacs(cluster);
  const settled: Settled[] = [];
  for (const [key, changedAt] of store.changedAt) {
    const entry = store.entries.get(key);
    // What became unreadable may be followed as it was before.
    if (changedAt > scheduler.now - RECOVERY_MS || (entry && !entry.content.attributes)) continue;
    const peer = entry && peerOf(entry.content, settings.config);
    settled.push({ key, entry, peer, isContested: contested.has(peer?.mac ?? '') });
  }
  return settled;
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

function checkKernel(
  record: RunRecord,
  { store, settings }: Cluster,
  { host, settled }: { readonly host: Host; readonly settled: readonly Settled[] },
): void {
  const { states, mac } = host.kernel;
  const { held, heldKey } = host.daemon!;
  const { backend, ipv4 } = settings.config;
  const address = addressOf(host);
  // Prefixes of one length overlap only if they are equal.
  const overlaps = (prefix: Prefix) =>
    prefix.length !== ipv4!.subnetLength && held!.subnets.ipv4!.overlaps(prefix);
  for (const { key, entry, peer, isContested } of settled) {
    const isOwn = key === heldKey || publicIp(entry) === address;
    const isPeer = peer && !isOwn && peer.mac !== mac && !overlaps(peer.prefix);
    const expected = isPeer ? peer : undefined;
    const state = states.get(key);
    if (isFollowed(expected, state) || (!state && expected && isContested)) continue;
    record.fail(`${host.name} has ${stateText(state)} for ${key}, and not ${peerText(expected)}`);
  }
  for (const owner of states.keys()) {
    if (owner !== 'self' && !store.changedAt.has(owner)) record.fail(`${host.name} has state of ${owner}`);
  }
  const overlay = states.get('self')?.addresses?.[0]?.address.address;
  if (backend.type === 'vxlan' && !overlay?.equals(held!.subnets.ipv4?.network))
    record.fail(`${host.name} has the address ${overlay?.toString() ?? 'none'} for ${heldKey!}`);
}

function checkBounds(record: RunRecord, { name, watches, daemon }: Host): void {
  if (watches.size !== 1) record.fail(`${name} has ${watches.size} watches`);
  // A host that waits for a free subnet takes in no events.
  const { waiting } = [...watches][0] ?? { waiting: 0 };
  if (daemon!.held && waiting > 0) record.fail(`${name} has not taken ${waiting} events`);
  const listeners = getEventListeners(daemon!.generation.signal, 'abort').length;
  if (listeners > LISTENERS) record.fail(`the signal of ${name} has ${listeners} listeners`);
}
