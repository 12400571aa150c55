import { parseSubnetKey } from '@flannel-ts/ip';
import { decodeLeaseAttributes, type Lease, type LeaseChange, type Logger } from '@flannel-ts/subnet';

/** One entry under `subnets/` as etcd holds it. */
export interface LeaseEntry {
  /** Its key without the part up to `subnets/`. */
  readonly name: string;
  readonly value: string;
  readonly revision: string;
  readonly expiresAt: Lease['expiresAt'];
}

/** Turns entries into leases; one that nobody can read is `undefined`, with one warning for each value. */
export function createLeaseReader(log: Logger): (entry: LeaseEntry) => Lease | undefined {
  const reported = new Map<string, string>();
  return ({ name, value, revision, expiresAt }) => {
    try {
      const subnets = parseSubnetKey(name);
      const attributes = decodeLeaseAttributes(value);
      return { subnets, attributes, revision, expiresAt };
    } catch (error) {
      if (reported.get(name) !== value) {
        log.warn({ lease: name, value, error }, 'a lease in etcd is unreadable; it is skipped');
        reported.set(name, value);
      }
      return undefined;
    }
  };
}

/** The end of the entry with this name; `undefined` if it never was a lease. */
export function removed(name: string): LeaseChange | undefined {
  try {
    return { kind: 'removed', subnets: parseSubnetKey(name) };
  } catch {
    return undefined;
  }
}
