import type { Prefix } from '@flannel-ts/ip';
import type { Operation } from '@flannel-ts/netlink';
import { entryKey, entryLink, entryText, type Entry } from './entry.ts';
import { BLACKHOLE_METRIC, MAIN_TABLE, PROTOCOL_BOOT, type Links } from './kernel-tables.ts';
import type { EntryChange } from './desired-entries.ts';
import type { Ownership } from './desired.ts';
import { isOwned } from './ownership.ts';

/** One step: an entry to put or to delete. */
export interface Step {
  readonly verb: 'put' | 'delete';
  readonly entry: Entry;
}

/**
 * The steps from what the kernel holds to what is desired: put what is missing or different, then delete
 * what is ours and undesired. Nothing is deleted to be replaced: a put replaces in place, without a gap. Only addresses
 * go before what needs others: the kernel takes no route through an address that is this host's, such as that of a subnet
 * which is a peer's now.
 *
 * @param desired - by {@link entryKey}
 */
export function planReconcile(
  desired: ReadonlyMap<string, Entry>,
  present: readonly Entry[],
  ownership: Ownership,
): Step[] {
  const kept = new Map<string, Entry>();
  const undesired: Entry[] = [];
  for (const entry of present) {
    const key = entryKey(entry);
    // Of several routes to one destination (`ip route append`), the kernel uses and replaces the first.
    if (!desired.has(key) || kept.has(key)) undesired.push(entry);
    else kept.set(key, entry);
  }
  const different = [...desired].filter(([key, entry]) => textOf(kept.get(key)) !== entryText(entry));
  return inOrder(
    different.map(([, entry]) => entry),
    undesired.filter((entry) => isOwned(entry, ownership)),
  );
}

/** The steps for changed keys alone. */
export function planChanges(changes: readonly EntryChange[]): Step[] {
  const after = changes.map((change) => change.after).filter((entry) => entry !== undefined);
  const gone = changes.filter((change) => !change.after).map((change) => change.before!);
  return inOrder(after, gone);
}

function textOf(entry: Entry | undefined): string | undefined {
  return entry && entryText(entry);
}

const MAKING_ORDER: readonly Entry['kind'][] = ['address', 'neighbour', 'fdb', 'blackhole', 'route'];

/** Neighbours and FDB entries before the routes that lead to them; deleting goes the other way round. */
function inOrder(added: readonly Entry[], gone: readonly Entry[]): Step[] {
  const puts = inMakingOrder(added).map((entry): Step => ({ verb: 'put', entry }));
  const deletions = inMakingOrder(gone)
    .reverse()
    .map((entry): Step => ({ verb: 'delete', entry }));
  const isOfAddress = ({ entry }: Step) => entry.kind === 'address';
  const isOfOther = (step: Step) => !isOfAddress(step);
  return [...[...puts, ...deletions].filter(isOfAddress), ...[...puts, ...deletions].filter(isOfOther)];
}

function inMakingOrder(entries: readonly Entry[]): Entry[] {
  return entries.toSorted((a, b) => MAKING_ORDER.indexOf(a.kind) - MAKING_ORDER.indexOf(b.kind));
}

/** A step as a kernel operation; `undefined` while the entry's link does not exist. */
export function toOperation({ verb, entry }: Step, links: Links): Operation | undefined {
  if (entry.kind === 'blackhole') return toBlackhole(verb, entry.destination);
  const linkIndex = links.named(entryLink(entry)!)?.index;
  if (linkIndex === undefined) return undefined;
  switch (entry.kind) {
    case 'address': {
      const { address, prefix } = entry.address.address;
      const prefixLength = prefix.length;
      return { op: `${verb}-address`, address: { linkIndex, address, prefixLength, scope: 'global' } };
    }
    case 'neighbour':
      return { op: `${verb}-neighbour`, neighbour: { ...entry.neighbour, linkIndex, permanent: true } };
    case 'fdb':
      return { op: `${verb}-fdb`, entry: { ...entry.fdb, linkIndex, permanent: true } };
    case 'route': {
      const { destination, gateway, onlink = false, source } = entry.route;
      const route = {
        ...OWN_ROUTE,
        kind: 'unicast',
        destination,
        linkIndex,
        gateway,
        onlink,
        source,
      } as const;
      return { op: `${verb}-route`, route };
    }
  }
}

function toBlackhole(verb: Step['verb'], destination: Prefix): Operation {
  const route = {
    ...OWN_ROUTE,
    kind: 'blackhole',
    destination,
    onlink: false,
    metric: BLACKHOLE_METRIC,
  } as const;
  return { op: `${verb}-route`, route };
}

const OWN_ROUTE = { table: MAIN_TABLE, scope: 'global', protocol: PROTOCOL_BOOT, multipath: false } as const;
