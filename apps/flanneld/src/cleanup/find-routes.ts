import { parsePrefix, type Address, type Family } from '@flannel-ts/ip';
import type { NetlinkConnection, Route } from '@flannel-ts/netlink';
import type { Footprint } from './footprint.ts';
import type { Findings, Leftover } from './steps.ts';

const MAIN_TABLE = 254;
/** What flannel writes, as `ip route add` does; routing daemons and network managers write others. */
const PROTOCOL_BOOT = 3;
const USUAL_METRIC: Readonly<Record<Family, number>> = { 4: 0, 6: 1024 };
const ANYWHERE = [parsePrefix('0.0.0.0/0'), parsePrefix('::/0')];

/**
 * The routes of host-gw and direct routing, through other hosts of the underlay, and the blackhole of the
 * host's subnet. Ours are those recorded. Without a record, upstream's daemon made them: then those that it
 * would have written are taken for them, but for routes through the default gateway, where an operator's own
 * routes lead, and which is no host of the network.
 */
export async function findRoutes(netlink: NetlinkConnection, footprint: Footprint): Promise<Findings> {
  const routes = (await netlink.routes()).filter(isPlain);
  const likely = routes.filter((route) => isLikely(route, footprint));
  const { ours, reason } = footprint.record.exists
    ? { ours: routes.filter((route) => isRecorded(route, footprint)), reason: 'the daemon did not record it' }
    : { ours: withoutDefaultGateways(likely, routes), reason: 'its gateway is that of the default route' };
  const blackholes = routes.filter((route) => isOwnBlackhole(route, footprint));
  return {
    leftovers: [...ours, ...blackholes].map((route) => leftover(netlink, route)),
    kept: likely
      .filter((route) => !ours.includes(route))
      .map((route) => `${routeText(route)}: left, as ${reason}`),
  };
}

/** The recorded routes through other hosts that the kernel has. */
export async function listRecordedRoutes(
  netlink: NetlinkConnection,
  footprint: Footprint,
): Promise<readonly HostRoute[]> {
  return (await netlink.routes()).filter(isPlain).filter((route) => isRecorded(route, footprint));
}

/** A route through another host of the underlay. */
export type HostRoute = Route & { readonly gateway: Address };

function withoutDefaultGateways(likely: readonly Route[], all: readonly Route[]): Route[] {
  const defaults = all.filter(({ destination }) => ANYWHERE.some((any) => any.equals(destination)));
  return likely.filter((route) => !defaults.some(({ gateway }) => gateway?.equals(route.gateway)));
}

/** A route that flannel may have written. */
function isPlain({ table, protocol, multipath }: Route): boolean {
  return table === MAIN_TABLE && protocol === PROTOCOL_BOOT && !multipath;
}

/** On-link gateways are those of overlay devices, with which their routes go. */
function isThroughHost(route: Route): route is HostRoute {
  const { kind, gateway, onlink, metric = 0, destination } = route;
  return (
    kind === 'unicast' && gateway !== undefined && !onlink && metric === USUAL_METRIC[destination.family]
  );
}

function isRecorded(route: Route, { record }: Footprint): route is HostRoute {
  return isThroughHost(route) && record.has({ ...route, kind: 'route' });
}

function isLikely(route: Route, { overlays }: Footprint): boolean {
  const { destination } = route;
  return (
    isThroughHost(route) &&
    overlays.some(
      ({ network, subnet }) =>
        network.contains(destination) && destination.length === subnet.length && !destination.equals(subnet),
    )
  );
}

/** Of whichever metric: upstream's has the usual one, ours the largest. */
function isOwnBlackhole({ kind, destination }: Route, { overlays }: Footprint): boolean {
  return kind === 'blackhole' && overlays.some(({ subnet }) => subnet.equals(destination));
}

function leftover(netlink: NetlinkConnection, route: Route): Leftover {
  return { what: routeText(route), delete: () => netlink.request({ op: 'delete-route', route }) };
}

export function routeText({ kind, destination, gateway }: Route): string {
  return kind === 'blackhole'
    ? `route blackhole ${destination.toString()}`
    : `route ${destination.toString()} via ${(gateway as Address).toString()}`;
}
