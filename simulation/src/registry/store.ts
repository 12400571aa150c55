import type { LeaseEvent } from '@flannel-ts/subnet';
import type { Entry, Flavour } from './entry.ts';

/** One change of one key. */
export interface Change {
  readonly revision: number;
  readonly key: string;
  /** `undefined` when the key was removed. */
  readonly entry: Entry | undefined;
  /** The change as a watch reports it; `undefined` for a key that is no lease's. */
  readonly event: LeaseEvent | undefined;
}

/** Who writes: a daemon, an operator, or the store itself at the end of a time to live. */
export interface Writer {
  readonly name: string;
}

export const OPERATOR: Writer = { name: 'operator' };
export const EXPIRY: Writer = { name: 'expiry' };

/** What a write replaced and by what, for those who check it. */
export interface Write {
  readonly writer: Writer;
  readonly key: string;
  readonly before: Entry | undefined;
  readonly after: Entry | undefined;
}

/** Whether a write changes nothing but the version and the time that is left, as nearly all writes. */
export function isRenewal({ before, after }: Write): boolean {
  const isReservation = (entry: Entry | undefined) => entry?.ttlMs === undefined;
  return before?.value === after?.value && isReservation(before) === isReservation(after);
}

export type SwapResult =
  | { readonly kind: 'done'; readonly entry: Entry | undefined }
  | { readonly kind: 'refused'; readonly current: Entry | undefined };

/** What a backup holds. */
export interface Backup {
  readonly revision: number;
  readonly entries: ReadonlyMap<string, Entry>;
}

/** The keys of one etcd cluster, linearizable, with revisions, a history and times to live. */
export interface Store {
  readonly flavour: Flavour;
  readonly entries: ReadonlyMap<string, Entry>;
  /** The time of the last change of each key's value that ever was there; a renewal is none. */
  readonly changedAt: ReadonlyMap<string, number>;
  readonly revision: number;
  /** When a backup was restored last. */
  readonly replacedAt: number;
  /** Changes after a revision, or `undefined` when they were compacted or the revision is yet to come. */
  changesAfter(revision: number): readonly Change[] | undefined;
  /** Writes or deletes (`value: undefined`) a key, only while its version is `expected` (`undefined`: absent). */
  swap(request: {
    readonly writer: Writer;
    readonly key: string;
    readonly expected: string | undefined;
    readonly value: string | undefined;
    readonly ttlMs: number | undefined;
  }): SwapResult;
  /** Writes as another program would: unconditionally, without time to live. */
  put(key: string, value: string): void;
  delete(key: string): void;
  /** Raises the revision as writes under other prefixes do. */
  skipRevisions(count: number): void;
  compact(): void;
  backUp(): Backup;
  /** Replaces everything; times to live begin again, as with etcd. Every watch is broken. */
  restore(backup: Backup): void;
}

export interface StoreObserver {
  /** Called after every write. */
  written(write: Write): void;
  /** Called after every change, so that watches can be served. */
  changed(write: Write): void;
  /** Called when the history was replaced. */
  replaced(): void;
}
