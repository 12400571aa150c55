import type { Prefix } from '@flannel-ts/ip';
import type { Lease, NetworkConfig } from '@flannel-ts/subnet';

/** A cluster network, and this host's part of it. */
export interface LeasedOverlay {
  readonly network: Prefix;
  readonly subnet: Prefix;
}

/** Returns the overlays in which a host holds a lease: at most one of each address family. */
export function leasedOverlays(config: NetworkConfig, { subnets }: Lease): LeasedOverlay[] {
  const families = [
    { network: config.ipv4?.network, subnet: subnets.ipv4 },
    { network: config.ipv6?.network, subnet: subnets.ipv6 },
  ];
  return families.flatMap(({ network, subnet }) => (network && subnet ? [{ network, subnet }] : []));
}
