import type { Prefix, SubnetPair } from '@flannel-ts/ip';
import { leaseKey, type FamilyNetwork, type Lease, type NetworkConfig } from '@flannel-ts/subnet';
import { subnetsOf, type Entry } from '../registry/entry.ts';
import { EXPIRY, type Write } from '../registry/store.ts';
import type { Cluster } from '../world/cluster.ts';
import { addressOf, type Host } from '../world/host.ts';
import type { RunRecord } from './record.ts';
import { overlap, publicIp } from './writes.ts';

/** Failed requests in a row that excuse a lost lease. */
const EXCUSE = 3;

/**
 * Checks that a lease that a daemon keeps does not expire without a fault that explains it. A registry that was restored
 * keeps leases for longer than their hosts know; what counts is the margin before the time that the host knows.
 */
export function checkExpiry(record: RunRecord, cluster: Cluster, { writer, key, before }: Write): void {
  if (writer !== EXPIRY) return;
  const { scheduler, settings, hosts } = cluster;
  const host = hosts.find(({ daemon }) => daemon?.heldKey === key);
  if (!host || publicIp(before) !== addressOf(host)) return;
  const { renewMarginMs } = settings;
  const end = scheduler.now - knownToBeOverForMs(host);
  const start = end - renewMarginMs;
  const blockedMs = host.troubles.blockedBetween(start, end);
  const failures = host.troubles.failuresBetween(start, end);
  if (blockedMs >= renewMarginMs / 2 || failures >= EXCUSE) return;
  record.fail(
    `${host.name} loses ${key}, which expires: in the margin of ${renewMarginMs / 1000} s the registry was out of ` +
      `reach for ${Math.round(blockedMs / 1000)} s and ${failures} requests failed`,
  );
}

/** Returns for how many milliseconds a host has known that its lease has or may have expired. */
function knownToBeOverForMs({ daemon, time }: Host): number {
  const expiresAt = daemon?.keeper?.lease.expiresAt;
  return typeof expiresAt === 'number' ? Math.max(0, time.boot.now() - expiresAt) : 0;
}

/**
 * Checks which lease a daemon took: the one that it has kept until now or that carries its public IP, the one in
 * subnet.env first; else its previous subnet; else any. What changed while it was choosing counts for nothing.
 */
export function checkChoice(
  record: RunRecord,
  cluster: Cluster,
  choice: { readonly host: Host; readonly lease: Lease; readonly since: number },
): void {
  const { host, lease, since } = choice;
  const { store, settings } = cluster;
  const key = leaseKey(lease);
  const previous = host.previous && leaseKey({ subnets: host.previous });
  if (store.replacedAt >= since || previous === key) return;
  const own = [...store.entries.values()].filter(
    (entry) =>
      entry.since < since &&
      publicIp(entry) === addressOf(host) &&
      isUsable(settings.config, entry.content.subnets ?? {}),
  );
  const known = own.find((entry) => entry.key === key);
  if (own.length > 0 && !known)
    record.fail(`${host.name} takes ${key}, although ${own[0]!.key} is its lease already`);
  if (known?.ttlMs === undefined && known) return;
  const held = findHeld(cluster, host);
  if (held) record.fail(`${host.name} takes ${key}, although it holds ${held.key}`);
  const other = own.find((entry) => entry.key === previous);
  if (other) record.fail(`${host.name} takes ${key}, although subnet.env names its other lease ${other.key}`);
  if (own.length === 0 && previous && isFree(cluster, host.previous!, since))
    record.fail(`${host.name} takes ${key}, although its previous subnet ${previous} is free`);
}

/** Returns the entry of the lease that a host kept last, if nothing has changed it since. */
function findHeld({ store, settings }: Cluster, { daemon }: Host): Entry | undefined {
  const lease = daemon?.keeper?.lease;
  const entry = lease && store.entries.get(leaseKey(lease));
  if (!entry || !isUsable(settings.config, lease.subnets)) return undefined;
  // A restored registry may give the version to another lease.
  const isSameHost = publicIp(entry) === lease.attributes.publicIp.ipv4?.toString();
  return isSameHost && entry.version === lease.revision ? entry : undefined;
}

/** Whether a config lets a host lease subnets. */
function isUsable({ ipv4, ipv6 }: NetworkConfig, subnets: SubnetPair): boolean {
  return isInRange(ipv4, subnets.ipv4) && isInRange(ipv6, subnets.ipv6);
}

function isInRange(network: FamilyNetwork | undefined, subnet: Prefix | undefined): boolean {
  if (!network || !subnet) return !network && !subnet;
  return (
    subnet.length === network.subnetLength &&
    subnet.network.value >= network.subnetMin.value &&
    subnet.network.value <= network.subnetMax.value
  );
}

/** Whether a host could have had a lease since a time: whether subnets of each family have been free. */
export function hasFreeSubnets(cluster: Cluster, since: number): boolean {
  const { ipv4, ipv6 } = cluster.settings.config;
  const isAny = (network: FamilyNetwork | undefined, toPair: (subnet: Prefix) => SubnetPair) =>
    !network ||
    [...network.network.subnets(network.subnetLength)].some(
      (subnet) => isInRange(network, subnet) && isFree(cluster, toPair(subnet), since),
    );
  return isAny(ipv4, (subnet) => ({ ipv4: subnet })) && isAny(ipv6, (subnet) => ({ ipv6: subnet }));
}

/** Whether subnets have been free since a time. */
function isFree({ store }: Cluster, subnets: SubnetPair, since: number): boolean {
  for (const [other, changedAt] of store.changedAt) {
    if (!overlap(subnetsOf(other), subnets)) continue;
    if (store.entries.has(other) || changedAt >= since) return false;
  }
  return true;
}
