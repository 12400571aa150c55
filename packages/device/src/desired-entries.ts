import { entriesOf, entryKey, entryLink, entryText, type Entry } from './entry.ts';
import type { DesiredLink, HostState } from './desired.ts';

/** One key whose desired entry changed. */
export interface EntryChange {
  readonly before: Entry | undefined;
  readonly after: Entry | undefined;
}

/** The owner of the links that were ensured since everything was replaced. */
const ENSURED = Symbol('ensured');
type Owner = string | typeof ENSURED;

/**
 * The desired state of all owners, by owner and by key. Several owners may desire one key, as two leases of
 * one VTEP share its FDB entry: the last one to ask decides its value, and it goes when the last one lets go.
 */
export class DesiredEntries {
  readonly #owners = new Map<Owner, HostState>();
  readonly #byKey = new Map<string, Map<Owner, Entry>>();
  /** How many desired links and entries need the link of a name. */
  readonly #needs = new Map<string, number>();

  /** Every desired link, by name. */
  links(): Map<string, DesiredLink> {
    const states = [...this.#owners.values()];
    return new Map(states.flatMap((state) => (state.links ?? []).map((link) => [link.name, link] as const)));
  }

  /** Every desired entry, by key. */
  entries(): Map<string, Entry> {
    return new Map([...this.#byKey.keys()].map((key) => [key, this.get(key)!]));
  }

  /** Whether anything desired is, or lies on, the link of this name. */
  dependsOn(name: string): boolean {
    return this.#needs.has(name);
  }

  get(key: string): Entry | undefined {
    let last: Entry | undefined;
    for (const entry of this.#byKey.get(key)?.values() ?? []) last = entry;
    return last;
  }

  /** Makes a link desired, as it is given here, until its owner or everything is replaced. */
  ensure(link: DesiredLink): void {
    const others = this.#owners.get(ENSURED)?.links?.filter(({ name }) => name !== link.name) ?? [];
    this.#remove(ENSURED);
    this.#add(ENSURED, { links: [...others, link] });
  }

  /** Replaces the desired state of all owners. */
  replaceAll(desired: ReadonlyMap<string, HostState>): void {
    this.#owners.clear();
    this.#byKey.clear();
    this.#needs.clear();
    for (const [owner, state] of desired) this.#add(owner, state);
  }

  /** Replaces the desired state of some owners and returns the keys whose entry is another one now. */
  update(changes: ReadonlyMap<string, HostState | undefined>): EntryChange[] {
    const before = new Map<string, Entry | undefined>();
    const remember = (state: HostState | undefined) => {
      for (const entry of entriesOf(state ?? {})) {
        const key = entryKey(entry);
        if (!before.has(key)) before.set(key, this.get(key));
      }
    };
    for (const [owner, state] of changes) {
      remember(this.#owners.get(owner));
      remember(state);
      this.#remove(owner);
      if (state) this.#add(owner, state);
    }
    const all = [...before].map(([key, entry]) => ({ before: entry, after: this.get(key) }));
    return all.filter(({ before: old, after }) => textOf(old) !== textOf(after));
  }

  #add(owner: Owner, state: HostState): void {
    this.#owners.set(owner, state);
    for (const entry of entriesOf(state)) {
      const key = entryKey(entry);
      const owners = this.#byKey.get(key) ?? new Map<Owner, Entry>();
      this.#byKey.set(key, owners.set(owner, entry));
      this.#count(entryLink(entry), 1);
    }
    for (const name of linkNames(state)) this.#count(name, 1);
  }

  #remove(owner: Owner): void {
    const state = this.#owners.get(owner) ?? {};
    for (const entry of entriesOf(state)) {
      const key = entryKey(entry);
      const owners = this.#byKey.get(key);
      owners?.delete(owner);
      if (owners?.size === 0) this.#byKey.delete(key);
      this.#count(entryLink(entry), -1);
    }
    for (const name of linkNames(state)) this.#count(name, -1);
    this.#owners.delete(owner);
  }

  #count(link: string | undefined, change: 1 | -1): void {
    if (link === undefined) return;
    const count = (this.#needs.get(link) ?? 0) + change;
    if (count > 0) this.#needs.set(link, count);
    else this.#needs.delete(link);
  }
}

/** The links that a state makes, and those that they are stacked on. */
function linkNames({ links = [] }: HostState): string[] {
  return links.flatMap((link) => (link.kind === 'vxlan' ? [link.name, link.parent] : [link.name]));
}

function textOf(entry: Entry | undefined): string | undefined {
  return entry && entryText(entry);
}
