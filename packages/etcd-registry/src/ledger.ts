import { changedKey, createLeaseTable, type LeaseChange, type LeaseSnapshot } from '@flannel-ts/subnet';

/** What a watch has delivered, to compare a listing with. */
export interface Ledger<Listing, Change> {
  /** Names what is watched, for log messages. */
  readonly subject: string;
  /** Takes in a listing and returns how it differs from what was delivered. */
  replace(listing: Listing): readonly Change[];
  /** Takes in changes. */
  apply(changes: readonly Change[]): void;
  /** Returns a text that is the same for the same change, whether a watch or a listing shows it. */
  identify(change: Change): string;
}

export function createLeaseLedger(): Ledger<LeaseSnapshot, LeaseChange> {
  const table = createLeaseTable();
  return {
    subject: 'leases',
    replace: (listing) => table.apply({ kind: 'snapshot', ...listing }),
    apply: (changes) => void table.apply({ kind: 'delta', changes }),
    identify: (change) =>
      `${changedKey(change)} ${change.kind === 'removed' ? 'removed' : `at ${change.lease.revision}`}`,
  };
}

/** The config's text and revision; both are `undefined` while there is none. */
export interface Config {
  readonly text: string | undefined;
  readonly version: string | undefined;
}

export function createConfigLedger(): Ledger<Config, Config> {
  let current: Config | undefined;
  return {
    subject: 'config',
    replace({ text, version }) {
      const differs = current?.version !== version;
      current = { text, version };
      return differs ? [current] : [];
    },
    apply: (changes) => (current = changes.at(-1)),
    identify: ({ version }) => `config at ${version ?? 'no revision'}`,
  };
}
