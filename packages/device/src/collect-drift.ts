import type { KernelEvent } from '@flannel-ts/netlink';
import type { DesiredEntries } from './desired-entries.ts';
import { entryKey, entryText, type Entry } from './entry.ts';
import { linkSubject } from './kernel-change.ts';
import { addressEntry, fdbEntry, neighbourEntry, routeEntry, type Links } from './kernel-tables.ts';
import { isAsDesired } from './link.ts';
import type { RepairSchedule } from './schedule-repairs.ts';

/** What drift is measured by, and what it sets off. */
export interface DriftComponents {
  readonly desired: DesiredEntries;
  /** Returns the links as they were at the latest compare. */
  readonly links: () => Links;
  readonly schedule: RepairSchedule;
}

/**
 * Returns what takes in the kernel's reports. An entry that another process removed or changed is repaired
 * alone; a link or an address that came, went or changed may have taken entries along without a report, so
 * it sets off a full compare, as lost reports do. Reports of what this device did itself equal the desired
 * state and end here.
 */
export function createDriftCollector(components: DriftComponents): (event: KernelEvent) => void {
  const { desired, links, schedule } = components;
  /** The latest report about each link and address, as some come again and again without news. */
  const latest = new Map<string, string>();

  function isNews(subject: string, change: EntryEvent['change'], state: string): boolean {
    if (change === 'put' && latest.get(subject) === state) return false;
    if (change === 'put') latest.set(subject, state);
    else latest.delete(subject);
    return true;
  }

  function addLink({ link, change }: LinkEvent): void {
    const former = links().nameOf(link.index);
    if (former !== undefined && former !== link.name && desired.dependsOn(former)) {
      latest.delete(linkSubject(former));
      schedule.everything();
    }
    const subject = linkSubject(link.name);
    const { index, up, mtu, mac } = link;
    if (!desired.dependsOn(link.name) || !isNews(subject, change, [index, up, mtu, mac].join(' '))) return;
    const expected = desired.links().get(link.name);
    const isDrift = expected && (change === 'removed' || !isAsDesired(link, expected, links()));
    compare(subject, isDrift);
  }

  /** The kernel takes entries of a link that goes down or loses its last address without a report. */
  function compare(subject: string, isDrift = false): void {
    if (isDrift) {
      schedule.everything(subject);
    } else {
      schedule.settled(subject);
      schedule.everything();
    }
  }

  function addEntry(event: EntryEvent): void {
    const entry = toEntry(event, links());
    if (!entry) return;
    const key = entryKey(entry);
    const expected = desired.get(key);
    const isDrift = expected && (isGone(event) || entryText(entry) !== entryText(expected));
    if (entry.kind !== 'address') {
      if (isDrift) schedule.entry(key);
      else schedule.settled(key);
    } else if (desired.dependsOn(entry.address.link) && isNews(key, event.change, '')) {
      // Another process may add one to a link of ours whenever it is removed, and remove ours whenever it is added.
      if (desired.links().has(entry.address.link)) schedule.everything(key);
      else compare(key, isDrift);
    }
  }

  return (event) => {
    if (event.kind === 'overrun') schedule.everything();
    else if (event.kind === 'link') addLink(event);
    else addEntry(event);
  };
}

type LinkEvent = Extract<KernelEvent, { kind: 'link' }>;
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
