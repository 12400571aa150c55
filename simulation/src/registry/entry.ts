import { parseSubnetKey, type SubnetPair } from '@flannel-ts/ip';
import { decodeLeaseAttributes, type Lease, type LeaseChange } from '@flannel-ts/subnet';

/** How revisions of leases look: v3's name the etcd lease too, v2's are a bare index. */
export type Flavour = 'v2' | 'v3';

/** One entry under `subnets/`. */
export interface Entry {
  readonly key: string;
  readonly value: string;
  readonly revision: number;
  /** Milliseconds; `undefined` for a reservation. */
  readonly ttlMs: number | undefined;
  /** Since when the key has been there without a break, in virtual time. */
  readonly since: number;
  /** What a reader makes of it; `undefined` for what is unreadable. */
  readonly lease: Lease | undefined;
}

/** Makes an entry; its lease is decoded once, and not again for a renewal. */
export function createEntry(facts: {
  readonly key: string;
  readonly value: string;
  readonly revision: number;
  readonly ttlMs: number | undefined;
  readonly etcdLease: number;
  readonly flavour: Flavour;
  readonly before: Entry | undefined;
  readonly now: number;
}): Entry {
  const { key, value, revision, ttlMs, etcdLease, flavour, before, now } = facts;
  const content = before?.value === value ? before.lease : decode(key, value);
  const lease = content && {
    subnets: content.subnets,
    attributes: content.attributes,
    expiresAt: ttlMs === undefined ? undefined : ('unknown' as const),
    revision: flavour === 'v2' ? `${revision}` : `${revision}/${ttlMs === undefined ? 0 : etcdLease}`,
  };
  return { key, value, revision, ttlMs, since: before?.since ?? now, lease };
}

function decode(key: string, value: string): Pick<Lease, 'subnets' | 'attributes'> | undefined {
  try {
    return { subnets: parseSubnetKey(key), attributes: decodeLeaseAttributes(value) };
  } catch {
    return undefined;
  }
}

/** Returns the revision of the entry that a lease was read from. */
export function revisionOf(lease: Lease): number {
  return Number(lease.revision.split('/', 1)[0]);
}

/** Returns what a watch reports when a key is removed; `undefined` for one that is no lease's. */
export function removal(key: string): LeaseChange | undefined {
  const subnets = subnetsOf(key);
  return subnets && { kind: 'removed', subnets };
}

export function subnetsOf(key: string): SubnetPair | undefined {
  try {
    return parseSubnetKey(key);
  } catch {
    return undefined;
  }
}
