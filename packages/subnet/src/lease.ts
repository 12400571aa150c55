import { formatSubnetKey, type Address, type Family, type SubnetPair } from '@flannel-ts/ip';

/** Any JSON value. */
export type Json = null | boolean | number | string | readonly Json[] | { readonly [key: string]: Json };

/** What a host publishes with its lease, so that peers can reach it. */
export interface LeaseAttributes {
  /** Where peers send tunnel packets, for each underlay family the host has. */
  readonly publicIp: { readonly ipv4?: Address | undefined; readonly ipv6?: Address | undefined };
  /** `vxlan`, `host-gw`, …; `undefined` for backends that publish none (udp, alloc, aws-vpc, gce). */
  readonly backendType?: string | undefined;
  /** Backend's own data about the IPv4 overlay, such as the VTEP's MAC address. */
  readonly backendData?: Json | undefined;
  /** The same for the IPv6 overlay. */
  readonly backendV6Data?: Json | undefined;
}

/** One version of the entry of one subnet, for a compare-and-swap. */
export interface LeaseVersion {
  readonly subnets: SubnetPair;
  /** The registry's opaque version of this entry; changes with every write. */
  readonly revision: string;
}

/** A subnet of the cluster network held by one host until it expires. */
export interface Lease extends LeaseVersion {
  readonly attributes: LeaseAttributes;
  /**
   * Milliseconds by the {@link Clock} of this host; `undefined` for a reservation, which never expires.
   * `'unknown'` for a lease of another writer that expires at a time which the registry does not report with
   * it (etcd v3); leases that {@link Registry.createLease} and {@link Registry.updateLease} return have a
   * time.
   */
  readonly expiresAt?: number | 'unknown' | undefined;
}

/** An entry whose key is a subnet and whose value no one can read. Its addresses are taken. */
export interface UnreadableLease extends LeaseVersion {
  /** What is wrong with the value. */
  readonly reason: string;
  readonly expiresAt?: Lease['expiresAt'];
}

/** What a registry holds for a subnet. */
export type RegistryEntry = Lease | UnreadableLease;

/** Whether an entry is a lease that can be read. */
export function isReadable(entry: RegistryEntry): entry is Lease {
  return 'attributes' in entry;
}

/** A lease's identity in the cluster: the text of its subnets, `10.5.1.0-24`. */
export function leaseKey(lease: { readonly subnets: SubnetPair }): string {
  return formatSubnetKey(lease.subnets);
}

/**
 * Whether the same host published both: its public addresses of the enabled families are its identity.
 * Others do not count, such as an IPv6 privacy address that changes every day in a cluster of IPv4. A host
 * that gains or loses an enabled family stays the same: one common address is enough, a differing one is not.
 */
export function isSameHost(a: LeaseAttributes, b: LeaseAttributes, families: readonly Family[]): boolean {
  const pairs = families.map((family) => [addressOf(a, family), addressOf(b, family)] as const);
  const common = pairs.filter(([x, y]) => x && y);
  return common.length > 0 && common.every(([x, y]) => x!.equals(y));
}

function addressOf({ publicIp }: LeaseAttributes, family: Family): Address | undefined {
  return family === 4 ? publicIp.ipv4 : publicIp.ipv6;
}
