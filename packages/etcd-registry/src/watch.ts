import type { CallOptions } from '@flannel-ts/subnet';

/** What a watch needs of an etcd API. A revision counts the changes of all keys; v2 calls it index. */
export interface WatchSource<Listing, Change> {
  /** Reads everything at one revision. */
  list(options: CallOptions): Promise<Listing & { readonly revision: bigint }>;
  /**
   * Follows the changes after a revision until the watch breaks, and always rejects then.
   * @throws {HistoryLostError}
   * @throws {RegistryUnavailableError}
   */
  follow(after: bigint, onStep: (step: WatchStep<Change>) => void, signal: AbortSignal): Promise<never>;
}

/** A sign that the watch works, with what has changed since the last one, in order. */
export type WatchStep<Change> = readonly { readonly revision: bigint; readonly change: Change }[];

/** How one API follows changes until the watch breaks. */
export interface FollowOptions<Change> {
  /** The revision after which changes are reported. */
  readonly after: bigint;
  readonly onStep: (step: WatchStep<Change>) => void;
  readonly signal: AbortSignal;
}

/** What a watch yields: the whole truth, or what has changed since. */
export type WatchEvent<Listing, Change> =
  | { readonly kind: 'listing'; readonly listing: Listing }
  | { readonly kind: 'changes'; readonly changes: readonly Change[] };

/** etcd answers, but the watch cannot go on from what it has seen; only a listing helps. */
export class HistoryLostError extends Error {}
