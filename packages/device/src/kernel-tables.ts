import { prefixOf, type Family } from '@flannel-ts/ip';
import type { FdbEntry, Link, LinkAddress, Neighbour, NetlinkConnection, Route } from '@flannel-ts/netlink';
import type { Entry } from './entry.ts';
import type { Ownership } from './desired.ts';

export const MAIN_TABLE = 254;
/** What `ip route add` and upstream write; routes of the kernel and of routing daemons have others. */
export const PROTOCOL_BOOT = 3;
/** The metric of a route that names none. Routes of other metrics stand beside ours, for other programs. */
const USUAL_METRIC: Readonly<Record<Family, number>> = { 4: 0, 6: 1024 };

/** The metric of our blackhole routes: the largest, so that every other route wins. */
export const BLACKHOLE_METRIC = 0xffff_ffff;

/** The kernel's links, by name and by index. */
export class Links {
  readonly #byName: Map<string, Link>;
  readonly #byIndex: Map<number, Link>;

  constructor(links: readonly Link[]) {
    this.#byName = new Map(links.map((link) => [link.name, link]));
    this.#byIndex = new Map(links.map((link) => [link.index, link]));
  }

  named(name: string): Link | undefined {
    return this.#byName.get(name);
  }

  nameOf(index: number | undefined): string | undefined {
    return index === undefined ? undefined : this.#byIndex.get(index)?.name;
  }
}

/** Dumps the tables of the links that an ownership names: entries of ours and of others. */
export async function readEntries(
  netlink: NetlinkConnection,
  links: Links,
  ownership: Ownership,
): Promise<Entry[]> {
  const owned = new Set(ownership.links.map(({ name }) => name));
  const names = new Set([...owned, ...ownership.gatewayRoutes.map(({ link }) => link)]);
  const present = [...names].map((name) => links.named(name)).filter((link) => link !== undefined);
  const tables = await Promise.all(
    present.map((link) => readLink(netlink, links, link, owned.has(link.name))),
  );
  const blackholes = ownership.blackholesWithin?.length ? await netlink.routes({ kind: 'blackhole' }) : [];
  return [...tables.flat(), ...blackholes.flatMap((route) => routeEntry(route, links) ?? [])];
}

/** The routes of a link; all of its tables when it is wholly ours. */
async function readLink(
  netlink: NetlinkConnection,
  links: Links,
  { index, detail }: Link,
  whole: boolean,
): Promise<Entry[]> {
  const filter = { linkIndex: index };
  const entries: (Entry | undefined)[] = [];
  if (whole) {
    for (const address of await netlink.addresses(filter)) entries.push(addressEntry(address, links));
    for (const neighbour of await netlink.neighbours(filter)) entries.push(neighbourEntry(neighbour, links));
    if (detail.kind === 'vxlan')
      for (const entry of await netlink.fdb(filter)) entries.push(fdbEntry(entry, links));
  }
  for (const route of await netlink.routes(filter)) entries.push(routeEntry(route, links));
  return entries.filter((entry) => entry !== undefined);
}

// A kernel object as an entry, or `undefined` when it is of a kind that is never desired.

/** A route of the main table, which a desired one to its destination would replace; or a blackhole of ours. */
export function routeEntry(route: Route, links: Links): Entry | undefined {
  const { destination, gateway, onlink, source, metric = 0 } = route;
  if (isOwnBlackhole(route)) return { kind: 'blackhole', destination };
  if (route.table !== MAIN_TABLE || metric !== USUAL_METRIC[destination.family]) return undefined;
  // A blackhole has none.
  const link = links.nameOf(route.linkIndex) ?? 'none';
  return {
    kind: 'route',
    route: { destination, gateway, onlink, source, link, foreign: foreignTo(route) },
  };
}

function isOwnBlackhole({ kind, table, protocol, metric }: Route): boolean {
  return (
    kind === 'blackhole' && table === MAIN_TABLE && protocol === PROTOCOL_BOOT && metric === BLACKHOLE_METRIC
  );
}

function foreignTo({ kind, multipath, protocol }: Route): string | undefined {
  if (kind !== 'unicast') return kind;
  if (multipath) return 'multipath';
  return protocol === PROTOCOL_BOOT ? undefined : `proto ${protocol}`;
}

/** Not the link-local addresses that the kernel gives. */
export function addressEntry(
  { address, prefixLength, scope, linkIndex }: LinkAddress,
  links: Links,
): Entry | undefined {
  const link = links.nameOf(linkIndex);
  if (scope !== 'global' || link === undefined) return undefined;
  return {
    kind: 'address',
    address: { link, address: { address, prefix: prefixOf(address, prefixLength) } },
  };
}

/** Only permanent entries; the others are the kernel's own discoveries. */
export function neighbourEntry(
  { address, mac, permanent, linkIndex }: Neighbour,
  links: Links,
): Entry | undefined {
  const link = links.nameOf(linkIndex);
  if (!permanent || mac === undefined || link === undefined) return undefined;
  return { kind: 'neighbour', neighbour: { link, address, mac } };
}

/** Not the default destination (all zeros), which is the device's. */
export function fdbEntry(
  { mac, destination, permanent, linkIndex }: FdbEntry,
  links: Links,
): Entry | undefined {
  const link = links.nameOf(linkIndex);
  if (!permanent || !destination || link === undefined || mac === '00:00:00:00:00:00') return undefined;
  return { kind: 'fdb', fdb: { link, mac, destination } };
}
