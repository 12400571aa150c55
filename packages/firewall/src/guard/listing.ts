/** A guard's table as `nft -j list table` prints it. */
export interface GuardListing {
  /** Chains, rules and sets without what changes by itself: handles, counters, elements. */
  readonly structure: string;
  readonly peers: ReadonlySet<string>;
  /** Packets that were dropped, by name of the set that counts them, and source. */
  readonly counted: Readonly<Record<CountingSet, ReadonlyMap<string, number>>>;
}

/** A set of sources whose packets are counted; the name is the reason of the refusal. */
export type CountingSet = 'no-lease' | 'other-interface';

type Element =
  string | { readonly elem: { readonly val: string; readonly counter?: { readonly packets: number } } };

interface ListedObject {
  readonly metainfo?: object;
  readonly table?: { readonly family: string; readonly name: string };
  readonly set?: {
    readonly name: string;
    readonly type: string;
    readonly size?: number;
    readonly timeout?: number;
    readonly elem?: readonly Element[];
  };
}

/** Reads the output of `nft -j list table`. */
export function parseGuard(output: string): GuardListing {
  const objects = readObjects(output);
  const sets = new Map(objects.flatMap(({ set }) => (set ? [[set.name, set.elem ?? []] as const] : [])));
  const counted = (name: CountingSet) =>
    new Map((sets.get(name) ?? []).map((element) => [addressOf(element), packetsOf(element)] as const));
  return {
    structure: JSON.stringify(objects.map(withoutContent), (key, value: unknown) =>
      VOLATILE.has(key) ? undefined : value,
    ),
    peers: new Set((sets.get('peers') ?? []).map(addressOf)),
    counted: { 'no-lease': counted('no-lease'), 'other-interface': counted('other-interface') },
  };
}

/** Reads the output of `nft -j list tables`: families and names. */
export function parseTables(output: string): { readonly family: string; readonly name: string }[] {
  return readObjects(output).flatMap(({ table }) => table ?? []);
}

/** Parts of a table that change while it is as it was made. */
const VOLATILE: ReadonlySet<string> = new Set(['handle', 'packets', 'bytes']);

function readObjects(output: string): ListedObject[] {
  return (JSON.parse(output) as { nftables: ListedObject[] }).nftables;
}

/** What was made of an object: newer versions of nft list more of a set, such as how many elements it has. */
function withoutContent({ metainfo: _, ...object }: ListedObject): object {
  if (!object.set) return object;
  const { name, type, size, timeout } = object.set;
  return { set: { name, type, size, timeout } };
}

function addressOf(element: Element): string {
  return typeof element === 'string' ? element : element.elem.val;
}

function packetsOf(element: Element): number {
  return typeof element === 'string' ? 0 : (element.elem.counter?.packets ?? 0);
}
