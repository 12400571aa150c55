import { parseSubnetKey, type SubnetPair } from '@flannel-ts/ip';
import {
  decodeLeaseAttributes,
  type LeaseAttributes,
  type LeaseChange,
  type RegistryEntry,
} from '@flannel-ts/subnet';

/** How revisions of leases look: v3's name the etcd lease too, v2's are a bare index. */
export type Flavour = 'v2' | 'v3';

/** What an entry says; renewals share it. */
export interface Content {
  /** `undefined` for a key that is no subnet. */
  readonly subnets: SubnetPair | undefined;
  /** `undefined` for a value that is unreadable. */
  readonly attributes: LeaseAttributes | undefined;
  /** What is wrong with the value, if anything. */
  readonly reason: string;
  /** The text of the IPv4 `PublicIP`. */
  readonly publicIp: string | undefined;
}

/** One entry under `subnets/`. */
export interface Entry {
  readonly key: string;
  readonly value: string;
  readonly revision: number;
  /** The revision as clients compare it: v3's names the etcd lease too. */
  readonly version: string;
  /** Whether another entry has had this revision, before a backup was restored. */
  readonly isRepeated: boolean;
  /** Milliseconds; `undefined` for a reservation. */
  readonly ttlMs: number | undefined;
  /** Since when the key has been there without a break, in virtual time. */
  readonly since: number;
  readonly content: Content;
  /** What a reader makes of it; `undefined` for a key that is no subnet. */
  readonly shown: RegistryEntry | undefined;
}

export function createEntry(facts: {
  readonly key: string;
  readonly value: string;
  readonly content: Content;
  readonly revision: number;
  readonly isRepeated: boolean;
  readonly ttlMs: number | undefined;
  readonly etcdLease: number;
  readonly flavour: Flavour;
  readonly before: Entry | undefined;
  readonly now: number;
}): Entry {
  const { key, value, content, revision, isRepeated, ttlMs, etcdLease, flavour, before, now } = facts;
  const { subnets, attributes, reason } = content;
  const version = flavour === 'v2' ? `${revision}` : `${revision}/${ttlMs === undefined ? 0 : etcdLease}`;
  const expiresAt = ttlMs === undefined ? undefined : ('unknown' as const);
  const base = subnets && { subnets, expiresAt, revision: version };
  const shown = base && (attributes ? { ...base, attributes } : { ...base, reason });
  return { key, value, revision, version, isRepeated, ttlMs, since: before?.since ?? now, content, shown };
}

export function decodeContent(key: string, value: string): Content {
  const subnets = subnetsOf(key);
  try {
    const attributes = decodeLeaseAttributes(value);
    return { subnets, attributes, reason: '', publicIp: attributes.publicIp.ipv4?.toString() };
  } catch (error) {
    return { subnets, attributes: undefined, reason: (error as Error).message, publicIp: undefined };
  }
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
