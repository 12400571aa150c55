import { sameAttributes } from './lease-value.ts';
import { isReadable, type Lease, type RegistryEntry } from './lease.ts';

/**
 * Whether two entries of one key are one version of it. A registry that was restored from a backup may give the
 * revision of one lease to another, or that of a reservation to a lease with the same content.
 */
export function isSameVersion(a: Lease, b: RegistryEntry): boolean {
  const isReservation = (entry: RegistryEntry) => entry.expiresAt === undefined;
  return (
    a.revision === b.revision &&
    isReservation(a) === isReservation(b) &&
    isReadable(b) &&
    sameAttributes(a.attributes, b.attributes)
  );
}
