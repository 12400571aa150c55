import type { Link } from '@flannel-ts/netlink';
import type { OwnedGatewayRoutes, OwnedLink, Ownership } from './desired.ts';
import { entryLink, type Entry, type TableRoute } from './entry.ts';
import { isOfKind } from './link-kind.ts';

/** Returns the ownership that covers what either of two covers. */
export function uniteOwnerships(one: Ownership, other: Ownership): Ownership {
  return {
    links: union([one.links, other.links], ({ name, kind }) => `${name} ${kind}`),
    gatewayRoutes: union(
      [one.gatewayRoutes, other.gatewayRoutes],
      ({ link, from, to, prefixLength }) => `${link} ${from.toString()} ${to.toString()} ${prefixLength}`,
    ),
    blackholesWithin: union([one.blackholesWithin ?? [], other.blackholesWithin ?? []], String),
  };
}

function union<T>(lists: readonly (readonly T[])[], keyOf: (value: T) => string): T[] {
  return [...new Map(lists.flat().map((value) => [keyOf(value), value])).values()];
}

/** Whether a device has the name and the kind of an owned one. */
export function isOwnedLink(link: Link, owned: readonly OwnedLink[]): boolean {
  return owned.some(({ name, kind }) => name === link.name && isOfKind(link, kind));
}

/** Whether an entry of the kernel lies within the bounds of an ownership. */
export function isOwned(entry: Entry, { links, gatewayRoutes, blackholesWithin = [] }: Ownership): boolean {
  if (entry.kind === 'blackhole')
    return blackholesWithin.some((prefix) => prefix.contains(entry.destination));
  const link = entryLink(entry);
  const onOwnedLink = links.some(({ name }) => name === link);
  if (entry.kind !== 'route') return onOwnedLink;
  if (entry.route.foreign !== undefined) return false;
  return onOwnedLink || gatewayRoutes.some((bounds) => isGatewayRoute(entry.route, bounds));
}

/** Whether host-gw or direct routing can have written a route: neither writes a source or an onlink flag. */
function isGatewayRoute(route: TableRoute, { link, from, to, prefixLength }: OwnedGatewayRoutes): boolean {
  const { destination, gateway, onlink, source } = route;
  return (
    route.link === link &&
    gateway !== undefined &&
    !onlink &&
    source === undefined &&
    destination.length === prefixLength &&
    destination.network.compare(from) >= 0 &&
    destination.network.compare(to) <= 0
  );
}
