import { parseSubnetKey, type SubnetPair } from '@flannel-ts/ip';
import {
  decodeLeaseAttributes,
  excerpt,
  LeaseValueError,
  toChange,
  toSnapshot,
  type Lease,
  type LeaseChange,
  type LeaseSnapshot,
  type Logger,
  type RegistryEntry,
} from '@flannel-ts/subnet';

/** One entry under `subnets/` as etcd holds it. */
export interface LeaseEntry {
  /** Its key without the part up to `subnets/`. */
  readonly name: string;
  readonly value: string;
  readonly revision: string;
  readonly expiresAt: Lease['expiresAt'];
}

/** Reads an entry; `undefined` when its key is no subnet. */
export type ReadLease = (entry: LeaseEntry) => RegistryEntry | undefined;

/** Makes what turns entries into leases. It logs one warning for each value that it cannot read. */
export function createLeaseReader(log: Logger): ReadLease {
  const reported = new Map<string, string>();

  function report({ name, value }: LeaseEntry, reason: string): void {
    if (reported.get(name) === value) return;
    log.warn({ lease: name, value: excerpt(value), reason }, 'a lease in etcd is unreadable; it is skipped');
    reported.set(name, value);
  }

  return (entry) => {
    const { name, value, revision, expiresAt } = entry;
    const subnets = parseKey(name);
    if (!subnets) {
      report(entry, 'the key is no subnet');
      return undefined;
    }
    try {
      return { subnets, attributes: decodeLeaseAttributes(value), revision, expiresAt };
    } catch (error) {
      if (!(error instanceof LeaseValueError)) throw error;
      report(entry, error.message);
      return { subnets, reason: error.message, revision, expiresAt };
    }
  };
}

/** Sorts entries that were read; those whose key is no subnet are left out. */
export function sorted(entries: readonly (RegistryEntry | undefined)[]): LeaseSnapshot {
  return toSnapshot(entries.filter((entry) => entry !== undefined));
}

/** Returns the change that writing an entry made, if its key is a subnet. */
export function written(entry: RegistryEntry | undefined): LeaseChange | undefined {
  return entry && toChange(entry);
}

/** Returns the change that the end of the entry with this name makes, if it was one of a lease. */
export function removed(name: string): LeaseChange | undefined {
  const subnets = parseKey(name);
  return subnets && { kind: 'removed', subnets };
}

function parseKey(name: string): SubnetPair | undefined {
  try {
    return parseSubnetKey(name);
  } catch {
    return undefined;
  }
}
