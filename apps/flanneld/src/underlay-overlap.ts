import type { Underlay } from '@flannel-ts/backend';
import { prefixOf, type Prefix } from '@flannel-ts/ip';
import type { FamilyNetwork, NetworkConfig } from '@flannel-ts/subnet';
import type { Conditions } from './conditions.ts';

/**
 * Reports the condition `underlay`: degraded when a network of the underlay interface overlaps the cluster
 * network, failing when it overlaps subnets that hosts may lease, since a lease can then take the hosts' routes.
 */
export function reportUnderlayOverlap(
  conditions: Conditions,
  { underlay, config, prefix }: { underlay: Underlay; config: NetworkConfig; prefix: string },
): void {
  for (const family of [config.ipv4, config.ipv6]) {
    const network = family && underlayNetworks(underlay).find((entry) => entry.overlaps(family.network));
    if (!network) continue;
    const state = overlapsLeases(network, family) ? 'failing' : 'degraded';
    conditions.report('underlay', state, describe(network, family, { underlay, prefix, state }), 'overlap');
    return;
  }
  conditions.report('underlay', 'ok', '', 'overlap');
}

/** The networks of the interface, and the address that peers send to, which may be outside them. */
function underlayNetworks({ onLink, publicIp }: Underlay): readonly Prefix[] {
  const addresses = [publicIp.ipv4, publicIp.ipv6].filter((address) => address !== undefined);
  const outside = addresses.filter((address) => !onLink.some((network) => network.contains(address)));
  return [...onLink, ...outside.map((address) => prefixOf(address, address.family === 4 ? 32 : 128))];
}

function overlapsLeases(network: Prefix, { subnetMin, subnetMax, subnetLength }: FamilyNetwork): boolean {
  const last = prefixOf(subnetMax, subnetLength).last;
  return network.last.compare(subnetMin) >= 0 && network.network.compare(last) <= 0;
}

function describe(
  network: Prefix,
  family: FamilyNetwork,
  { underlay, prefix, state }: { underlay: Underlay; prefix: string; state: 'degraded' | 'failing' },
): string {
  const field = family.family === 4 ? 'Network' : 'IPv6Network';
  const leases = state === 'failing' ? ', and a host may lease a subnet of it' : '';
  return (
    `${field} must be apart from ${network.toString()} on ${underlay.link}, not ${family.network.toString()}: ` +
    `packets of containers to hosts there are not masqueraded, so no answer comes back${leases}; ` +
    `write a ${field} that overlaps no network of the hosts to ${prefix}/config, then restart flanneld and Docker on every host`
  );
}
