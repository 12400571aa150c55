import type { Operation } from '@flannel-ts/netlink';
import { entryKey, entryLink, entryText, type Entry } from './entry.ts';
import { MAIN_TABLE, PROTOCOL_BOOT, type KernelTables, type Links } from './kernel-tables.ts';
import { sortForMaking, type EntryChange } from './wanted-entries.ts';

/** One step: an entry to put or to delete. */
export interface Step {
  readonly verb: 'put' | 'delete';
  readonly entry: Entry;
}

/**
 * The steps from what the kernel holds to what is wanted: put what is missing or different, then delete
 * what is ours and unwanted. Nothing is deleted to be replaced: a put replaces in place, without a gap.
 */
export function planReconcile(wanted: readonly Entry[], tables: KernelTables): Step[] {
  const present = new Map(tables.owned.map((entry) => [entryKey(entry), entryText(entry)]));
  const keys = new Set(wanted.map(entryKey));
  return [
    ...puts(wanted.filter((entry) => present.get(entryKey(entry)) !== entryText(entry))),
    ...deletes(tables.owned.filter((entry) => !keys.has(entryKey(entry)))),
  ];
}

/** The steps for changed keys alone. */
export function planChanges(changes: readonly EntryChange[]): Step[] {
  const after = changes.map((change) => change.after).filter((entry) => entry !== undefined);
  const gone = changes.filter((change) => !change.after).map((change) => change.before!);
  return [...puts(after), ...deletes(gone)];
}

function puts(entries: readonly Entry[]): Step[] {
  return sortForMaking(entries).map((entry) => ({ verb: 'put', entry }));
}

function deletes(entries: readonly Entry[]): Step[] {
  return sortForMaking(entries)
    .reverse()
    .map((entry) => ({ verb: 'delete', entry }));
}

/** A step as a kernel operation; `undefined` while the entry's link does not exist. */
export function toOperation({ verb, entry }: Step, links: Links): Operation | undefined {
  const name = entryLink(entry);
  const linkIndex = name === undefined ? undefined : links.named(name)?.index;
  if (name !== undefined && linkIndex === undefined) return undefined;
  switch (entry.kind) {
    case 'address': {
      const { address, prefix } = entry.address.address;
      return {
        op: `${verb}-address`,
        address: { linkIndex: linkIndex!, address, prefixLength: prefix.length, scope: 'global' },
      };
    }
    case 'neighbour':
      return {
        op: `${verb}-neighbour`,
        neighbour: { ...entry.neighbour, linkIndex: linkIndex!, permanent: true },
      };
    case 'fdb':
      return { op: `${verb}-fdb`, entry: { ...entry.fdb, linkIndex: linkIndex!, permanent: true } };
    case 'route': {
      const { destination, kind = 'unicast', gateway, onlink = false, source } = entry.route;
      const fixed = {
        scope: 'global',
        table: MAIN_TABLE,
        protocol: PROTOCOL_BOOT,
        multipath: false,
      } as const;
      return {
        op: `${verb}-route`,
        route: { ...fixed, destination, kind, linkIndex, gateway, onlink, source },
      };
    }
  }
}
