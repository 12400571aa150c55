import type { Prefix } from '@flannel-ts/ip';
import type {
  HostState,
  DesiredAddress,
  DesiredFdbEntry,
  DesiredNeighbour,
  DesiredRoute,
} from './desired.ts';

/** One thing in a kernel table, desired or present. */
export type Entry =
  | { readonly kind: 'address'; readonly address: DesiredAddress }
  | { readonly kind: 'neighbour'; readonly neighbour: DesiredNeighbour }
  | { readonly kind: 'fdb'; readonly fdb: DesiredFdbEntry }
  | { readonly kind: 'blackhole'; readonly destination: Prefix }
  | { readonly kind: 'route'; readonly route: TableRoute };

/** A route of the main table. */
export interface TableRoute extends DesiredRoute {
  /** What none of our own routes has: `proto 12`, `blackhole`, `multipath`. Such a route is never ours. */
  readonly foreign?: string | undefined;
}

/** The entries of a state, in the order in which they are made: a route last, when its next hop is known. */
export function entriesOf(state: HostState): Entry[] {
  return [
    ...(state.addresses ?? []).map((address) => ({ kind: 'address' as const, address })),
    ...(state.neighbours ?? []).map((neighbour) => ({ kind: 'neighbour' as const, neighbour })),
    ...(state.fdb ?? []).map((fdb) => ({ kind: 'fdb' as const, fdb })),
    ...(state.blackholes ?? []).map((destination) => ({ kind: 'blackhole' as const, destination })),
    ...(state.routes ?? []).map((route) => ({ kind: 'route' as const, route })),
  ];
}

/** What makes an entry the same one: the kernel holds one value for each key. */
export function entryKey(entry: Entry): string {
  switch (entry.kind) {
    case 'address':
    case 'blackhole':
      return entryText(entry);
    case 'neighbour':
      return `neighbour ${entry.neighbour.address.toString()} dev ${entry.neighbour.link}`;
    case 'fdb':
      return `fdb ${entry.fdb.mac} dev ${entry.fdb.link}`;
    case 'route':
      return `route ${entry.route.destination.toString()}`;
  }
}

/** An entry in the words of `ip` and `bridge`; two entries are equal when their texts are. */
export function entryText(entry: Entry): string {
  switch (entry.kind) {
    case 'address': {
      const { address, prefix } = entry.address.address;
      return `address ${address.toString()}/${prefix.length} dev ${entry.address.link}`;
    }
    case 'neighbour': {
      const { address, mac, link } = entry.neighbour;
      return `neighbour ${address.toString()} lladdr ${mac} dev ${link}`;
    }
    case 'fdb': {
      const { mac, destination, link } = entry.fdb;
      return `fdb ${mac} dst ${destination.toString()} dev ${link}`;
    }
    case 'blackhole':
      return `blackhole ${entry.destination.toString()}`;
    case 'route':
      return routeText(entry.route);
  }
}

function routeText({ destination, gateway, link, onlink, source, foreign }: TableRoute): string {
  const via = gateway ? ` via ${gateway.toString()}` : '';
  const src = source ? ` src ${source.toString()}` : '';
  const rest = foreign ? ` ${foreign}` : '';
  return `route ${destination.toString()}${via} dev ${link}${onlink ? ' onlink' : ''}${src}${rest}`;
}

/** The link that an entry is on; a blackhole is on none. */
export function entryLink(entry: Entry): string | undefined {
  switch (entry.kind) {
    case 'address':
      return entry.address.link;
    case 'neighbour':
      return entry.neighbour.link;
    case 'fdb':
      return entry.fdb.link;
    case 'blackhole':
      return undefined;
    case 'route':
      return entry.route.link;
  }
}
