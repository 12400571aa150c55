import type { Family } from '@flannel-ts/ip';
import { overlap } from './allocate.ts';
import { ignoringLoss } from './errors.ts';
import { isReadable, isSameHost, leaseKey, type Lease, type RegistryEntry } from './lease.ts';
import type { CallOptions, LeaseSnapshot, Registry } from './registry.ts';

/** How often the entries are read until a rival counts as one that stays. */
const READINGS = 5;

/** Returns the entries of other hosts that overlap a lease of this host under another key. */
export function rivalsOf(
  lease: Pick<Lease, 'subnets' | 'attributes'>,
  { leases, unreadable }: LeaseSnapshot,
  families: readonly Family[],
): readonly RegistryEntry[] {
  const isOurs = (entry: RegistryEntry) =>
    leaseKey(entry) === leaseKey(lease) ||
    (isReadable(entry) && isSameHost(entry.attributes, lease.attributes, families));
  return [...leases, ...unreadable].filter(
    (entry) => !isOurs(entry) && overlap(entry.subnets, lease.subnets),
  );
}

/**
 * Deletes a lease that this host has just created when the entry of another host overlaps it, and returns that entry.
 *
 * The registry refuses a second lease of one key, but not one of another key that has addresses in common: subnets of
 * another length, or one of two families. Therefore hosts look after they have written. Of two hosts that see each
 * other, the one with the greater key gives way at once, and the other one waits for that. A rival that stays was there
 * first and does not look any more, or does not look at all, as an operator; then this host gives way to it.
 */
export async function yieldToRival(
  registry: Registry,
  lease: Lease,
  { families, ...options }: CallOptions & { readonly families: readonly Family[] },
): Promise<RegistryEntry | undefined> {
  const comesFirst = (rival: RegistryEntry) => leaseKey(rival) < leaseKey(lease);
  for (let reading = 1; ; reading++) {
    const rivals = rivalsOf(lease, await registry.readSnapshot(options), families);
    const rival = rivals.find(comesFirst) ?? rivals[0];
    if (!rival) return undefined;
    if (!comesFirst(rival) && reading < READINGS) continue;
    await ignoringLoss(registry.deleteLease(lease, options));
    return rival;
  }
}
