import { formatSubnetKey, type Address, type SubnetPair } from '@flannel-ts/ip';

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

/** A subnet of the cluster network held by one host until it expires. */
export interface Lease {
  readonly subnets: SubnetPair;
  readonly attributes: LeaseAttributes;
  /**
   * Milliseconds since the epoch; `undefined` for a reservation, which never expires. `'unknown'` for a
   * lease of another writer that expires at a time which the registry does not tell with it (etcd v3);
   * leases that {@link Registry.createLease} and {@link Registry.updateLease} return have a time.
   */
  readonly expiresAt?: number | 'unknown' | undefined;
  /** The registry's opaque version of this entry; changes with every write. */
  readonly revision: string;
}

/** A lease's identity in the cluster: the text of its subnets, `10.5.1.0-24`. */
export function leaseKey(lease: { readonly subnets: SubnetPair }): string {
  return formatSubnetKey(lease.subnets);
}

/** Whether both were published by the same host: the same public addresses. */
export function isSameHost(a: LeaseAttributes, b: LeaseAttributes): boolean {
  const pairs = [
    [a.publicIp.ipv4, b.publicIp.ipv4],
    [a.publicIp.ipv6, b.publicIp.ipv6],
  ] as const;
  // A host that gains or loses a family keeps its lease; one common address is enough, a differing one is not.
  const common = pairs.filter(([x, y]) => x && y);
  return common.length > 0 && common.every(([x, y]) => x!.equals(y));
}
