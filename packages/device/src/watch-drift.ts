import type { KernelEvent, Link, NetlinkConnection } from '@flannel-ts/netlink';
import { entryKey, entryText, type Entry } from './entry.ts';
import { addressEntry, fdbEntry, neighbourEntry, routeEntry, type Links } from './kernel-tables.ts';
import type { WantedEntries } from './wanted-entries.ts';

/** What the watch looks at and may set off. */
export interface DriftComponents {
  readonly netlink: NetlinkConnection;
  readonly wanted: WantedEntries;
  readonly links: () => Links;
  /** Puts back the entries of these keys. */
  readonly mend: (keys: ReadonlySet<string>) => Promise<void>;
  readonly reconcile: () => Promise<void>;
}

/**
 * Follows the kernel's own reports. An entry that somebody removed or changed is put back alone; a link
 * that came, went or changed may have taken entries along without a word, so it sets off a full compare,
 * as do lost reports and, now and then, the clock. Reports of what we did ourselves equal what is wanted
 * and end here.
 */
export async function watchDrift(
  components: DriftComponents,
  options: { readonly signal: AbortSignal; readonly reconcileIntervalMs: number },
): Promise<void> {
  const { wanted, reconcile, mend } = components;
  const timer = setInterval(() => void reconcile(), options.reconcileIntervalMs);
  timer.unref();
  const known = new Map<string, string>();
  let keys = new Set<string>();
  let everything = false;
  let scheduled = false;

  /** Collects the reports of one turn of the event loop, so that a burst is mended at once. */
  function schedule(): void {
    if (scheduled) return;
    scheduled = true;
    setImmediate(() => {
      scheduled = false;
      const drifted = new Set([...keys].filter((key) => wanted.get(key)));
      keys = new Set();
      if (everything) void reconcile();
      else if (drifted.size > 0) void mend(drifted);
      everything = false;
    });
  }

  try {
    for await (const event of components.netlink.subscribe({ signal: options.signal })) {
      if (event.kind === 'overrun') everything = true;
      else if (event.kind === 'link') everything = isNews(event, known, wanted) || everything;
      else addDrifted(event);
      if (everything || keys.size > 0) schedule();
    }
  } finally {
    clearInterval(timer);
  }

  function addDrifted(event: EntryEvent): void {
    const entry = toEntry(event, components.links());
    const expected = entry && wanted.get(entryKey(entry));
    if (!expected) return;
    // With a link's last address, the kernel takes its routes without a word.
    if (event.kind === 'address' && event.change === 'removed') everything = true;
    else if (isGone(event) || entryText(entry) !== entryText(expected)) keys.add(entryKey(entry));
    else keys.delete(entryKey(entry));
  }
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

/** Whether a link report says something new about a link that anything wanted depends on. */
function isNews(
  { link, change }: Extract<KernelEvent, { kind: 'link' }>,
  known: Map<string, string>,
  wanted: WantedEntries,
): boolean {
  if (!wanted.dependsOn(link.name)) return false;
  const state = change === 'removed' ? 'removed' : describe(link);
  const news = known.get(link.name) !== state;
  known.set(link.name, state);
  return news;
}

function describe({ index, up, mtu, mac }: Link): string {
  return [index, up, mtu, mac].join(' ');
}
