import { prefixOf } from '@flannel-ts/ip';
import type { FdbEntry, Link, LinkAddress, Neighbour, NetlinkConnection, Route } from '@flannel-ts/netlink';
import type { Entry } from './entry.ts';
import type { Ownership } from './wanted.ts';

export const MAIN_TABLE = 254;
/** What `ip route add` and upstream write; routes of the kernel and of routing daemons have others. */
export const PROTOCOL_BOOT = 3;

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

/** What the kernel holds within the bounds of an ownership. */
export interface KernelTables {
  readonly links: Links;
  /** Entries that are ours: nobody wants them, they go. */
  readonly owned: readonly Entry[];
}

/** Dumps the tables of the owned links. */
export async function readTables(netlink: NetlinkConnection, ownership: Ownership): Promise<KernelTables> {
  const links = new Links(await netlink.links());
  const names = new Set([...ownership.links, ...ownership.gatewayRoutes.map(({ link }) => link)]);
  const present = [...names].map((name) => links.named(name)).filter((link) => link !== undefined);
  const tables = await Promise.all(present.map((link) => readLink(netlink, links, link, ownership)));
  return { links, owned: tables.flat() };
}

async function readLink(
  netlink: NetlinkConnection,
  links: Links,
  link: Link,
  ownership: Ownership,
): Promise<Entry[]> {
  const filter = { linkIndex: link.index };
  const routes = (await netlink.routes(filter)).map((route) => routeEntry(route, links));
  const whole = ownership.links.includes(link.name);
  const rest = whole
    ? [
        ...(await netlink.addresses(filter)).map((address) => addressEntry(address, links)),
        ...(await netlink.neighbours(filter)).map((neighbour) => neighbourEntry(neighbour, links)),
        ...(link.detail.kind === 'vxlan'
          ? (await netlink.fdb(filter)).map((entry) => fdbEntry(entry, links))
          : []),
      ]
    : [];
  return [...rest, ...routes].filter((entry) => entry !== undefined && isOwned(entry, ownership)) as Entry[];
}

/** Whether an entry lies within the bounds of an ownership. */
function isOwned(entry: Entry, ownership: Ownership): boolean {
  if (entry.kind !== 'route') return true;
  const { link, gateway, destination } = entry.route;
  if (link !== undefined && ownership.links.includes(link)) return true;
  return ownership.gatewayRoutes.some(
    (scope) =>
      scope.link === link &&
      gateway !== undefined &&
      scope.prefixLength === destination.length &&
      scope.within.contains(destination),
  );
}

// A kernel object as an entry, or `undefined` when it is of a kind that is never ours.

/** Only the main table's plain routes that were added by hand or by flannel. */
export function routeEntry(route: Route, links: Links): Entry | undefined {
  const { destination, kind, gateway, onlink, source } = route;
  if (route.table !== MAIN_TABLE || route.protocol !== PROTOCOL_BOOT) return undefined;
  if (route.multipath || kind !== 'unicast') return undefined;
  return {
    kind: 'route',
    route: { destination, kind, gateway, onlink, source, link: links.nameOf(route.linkIndex) },
  };
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
