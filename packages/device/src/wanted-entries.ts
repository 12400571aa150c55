import { entriesOf, entryKey, entryLink, entryText, type Entry } from './entry.ts';
import type { HostState, WantedLink } from './wanted.ts';

/** One key whose wanted entry changed. */
export interface EntryChange {
  readonly before: Entry | undefined;
  readonly after: Entry | undefined;
}

/**
 * What everybody wants, by owner and by key. Several owners may want one key, as two leases of one VTEP
 * share its FDB entry: the last one to ask decides its value, and it goes when the last one lets go.
 */
export class WantedEntries {
  readonly #owners = new Map<string, HostState>();
  readonly #byKey = new Map<string, Map<string, Entry>>();

  /** Every wanted link, by name. */
  links(): Map<string, WantedLink> {
    const states = [...this.#owners.values()];
    return new Map(states.flatMap((state) => (state.links ?? []).map((link) => [link.name, link] as const)));
  }

  /** Every wanted entry, in the order in which they are made. */
  entries(): Entry[] {
    return sortForMaking([...this.#byKey.keys()].map((key) => this.get(key)!));
  }

  /** Whether anything wanted is, or lies on, the link of this name. */
  dependsOn(name: string): boolean {
    const links = [...this.links().values()];
    return (
      links.some((link) => link.name === name || (link.kind === 'vxlan' && link.parent === name)) ||
      this.entries().some((entry) => entryLink(entry) === name)
    );
  }

  get(key: string): Entry | undefined {
    return [...(this.#byKey.get(key)?.values() ?? [])].at(-1);
  }

  /** Lets go of everything that owners not in `wanted` want, and takes in the rest. */
  replaceAll(wanted: ReadonlyMap<string, HostState>): void {
    this.#owners.clear();
    this.#byKey.clear();
    for (const [owner, state] of wanted) this.#add(owner, state);
  }

  /** Replaces what some owners want and returns the keys whose entry is another one now. */
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

  #add(owner: string, state: HostState): void {
    this.#owners.set(owner, state);
    for (const entry of entriesOf(state)) {
      const key = entryKey(entry);
      const owners = this.#byKey.get(key) ?? new Map<string, Entry>();
      this.#byKey.set(key, owners.set(owner, entry));
    }
  }

  #remove(owner: string): void {
    for (const entry of entriesOf(this.#owners.get(owner) ?? {})) {
      const key = entryKey(entry);
      const owners = this.#byKey.get(key);
      owners?.delete(owner);
      if (owners?.size === 0) this.#byKey.delete(key);
    }
    this.#owners.delete(owner);
  }
}

function textOf(entry: Entry | undefined): string | undefined {
  return entry && entryText(entry);
}

const MAKING_ORDER: Readonly<Record<Entry['kind'], number>> = { address: 0, neighbour: 1, fdb: 2, route: 3 };

/** Neighbours and FDB entries before the routes that lead to them; removing goes the other way round. */
export function sortForMaking<T extends Entry>(entries: readonly T[]): T[] {
  return entries.toSorted((a, b) => MAKING_ORDER[a.kind] - MAKING_ORDER[b.kind]);
}
