import type { KernelEvent } from '@flannel-ts/netlink';
import { entryKey, entryText, type Entry } from './entry.ts';
import { addressEntry, fdbEntry, neighbourEntry, routeEntry, type Links } from './kernel-tables.ts';
import type { DesiredEntries } from './desired-entries.ts';

/** What drift is measured by, and what it sets off. */
export interface DriftComponents {
  readonly desired: DesiredEntries;
  readonly links: () => Links;
  /** Puts back the entries of these keys. */
  readonly repair: (keys: ReadonlySet<string>) => Promise<void>;
  readonly reconcile: () => Promise<void>;
}

/** Milliseconds at least between two repairs: two programs that undo each other's work cost little. */
const PAUSE_MS = 100;

/**
 * Takes in the kernel's reports. An entry that somebody removed or changed is put back alone; a link or an
 * address that came, went or changed may have taken entries along without a word, so it sets off a full
 * compare, as lost reports do. Reports of what we did ourselves equal what is desired and end here.
 */
export function createDriftCollector(components: DriftComponents): Disposable & {
  add(event: KernelEvent): void;
} {
  const { desired, reconcile, repair } = components;
  /** The latest report about each link and address, as some come again and again without news. */
  const latest = new Map<string, string>();
  let keys = new Set<string>();
  let everything = false;
  let scheduled: NodeJS.Timeout | undefined;
  let repairedAt = -Infinity;

  /** Collects the reports of a burst, so that they are repaired at once. */
  function schedule(): void {
    scheduled ??= setTimeout(flush, Math.max(0, repairedAt + PAUSE_MS - performance.now()));
  }

  function flush(): void {
    scheduled = undefined;
    if (everything) void reconcile();
    else if (keys.size > 0) void repair(keys);
    else return;
    keys = new Set();
    everything = false;
    repairedAt = performance.now();
  }

  function isNews(link: string, subject: string, state: string): boolean {
    if (!desired.dependsOn(link) || latest.get(subject) === state) return false;
    latest.set(subject, state);
    return true;
  }

  function addEntry(event: EntryEvent): void {
    const entry = toEntry(event, components.links());
    if (!entry) return;
    const key = entryKey(entry);
    const expected = desired.get(key);
    // With a link's last address, the kernel takes its routes without a word.
    if (entry.kind === 'address') everything = isNews(entry.address.link, key, event.change) || everything;
    else if (expected && (isGone(event) || entryText(entry) !== entryText(expected))) keys.add(key);
    else keys.delete(key);
  }

  return {
    add(event) {
      if (event.kind === 'overrun') everything = true;
      else if (event.kind === 'link')
        everything = isNews(event.link.name, `link ${event.link.name}`, describe(event)) || everything;
      else addEntry(event);
      if (everything || keys.size > 0) schedule();
    },
    [Symbol.dispose]: () => clearTimeout(scheduled),
  };
}

type EntryEvent = Exclude<KernelEvent, { kind: 'overrun' } | { kind: 'link' }>;

/** A neighbour on its way out is reported as failed, not permanent, before it is reported as removed. */
function isGone(event: EntryEvent): boolean {
  return event.change === 'removed' || (event.kind === 'neighbour' && !event.neighbour.permanent);
}

function toEntry(event: EntryEvent, links: Links): Entry | undefined {
  switch (event.kind) {
    case 'address':
      return addressEntry(event.address, links);
    case 'route':
      return routeEntry(event.route, links);
    case 'neighbour':
      return neighbourEntry({ ...event.neighbour, mac: event.neighbour.mac ?? '', permanent: true }, links);
    case 'fdb':
      return fdbEntry(event.entry, links);
  }
}

function describe({ change, link }: Extract<KernelEvent, { kind: 'link' }>): string {
  const { index, up, mtu, mac } = link;
  return change === 'removed' ? change : [index, up, mtu, mac].join(' ');
}
