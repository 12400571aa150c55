import { parseSubnetKey, type SubnetPair } from '@flannel-ts/ip';
import {
  decodeLeaseAttributes,
  excerpt,
  LeaseValueError,
  toSnapshot,
  type Lease,
  type LeaseChange,
  type LeaseSnapshot,
  type Logger,
  type RegistryEntry,
} from '@flannel-ts/subnet';

/** One entry under `subnets/` as etcd holds it. */
export interface LeaseEntry {
  /** Its key without the part up to `subnets/`. */
  readonly name: string;
  readonly value: string;
  readonly revision: string;
  readonly expiresAt: Lease['expiresAt'];
}

/** Turns entries into leases. It logs a warning once for each version of an entry that it cannot read. */
export interface LeaseReader {
  /** Reads an entry; `undefined` when its key is no subnet. */
  read(entry: LeaseEntry): RegistryEntry | undefined;
  /** Reads all entries there are, with one warning for all that are unreadable; leaves out keys that are no subnets. */
  readAll(entries: readonly LeaseEntry[]): LeaseSnapshot;
  /** Returns the change that the end of the entry with this name makes, if it was one of a lease. */
  removed(name: string): LeaseChange | undefined;
}

/** How many unreadable entries of a listing a warning names. */
const NAMED = 5;

export function createLeaseReader(log: Logger): LeaseReader {
  /** The revisions of the unreadable entries that were reported, by name. */
  let reported = new Map<string, string>();

  function report(problems: readonly Problem[]): void {
    const fresh = problems.filter(({ entry }) => reported.get(entry.name) !== entry.revision);
    for (const { entry } of fresh) reported.set(entry.name, entry.revision);
    if (fresh.length === 0) return;
    const entries = fresh.slice(0, NAMED).map(({ entry, reason }) => ({
      lease: excerpt(entry.name),
      value: excerpt(entry.value),
      reason,
    }));
    log.warn({ entries, count: fresh.length }, 'leases in etcd are unreadable; they are skipped');
  }

  return {
    read(entry) {
      const { lease, reason } = decode(entry);
      if (reason === undefined) reported.delete(entry.name);
      else report([{ entry, reason }]);
      return lease;
    },
    readAll(entries) {
      const decoded = entries.map((entry) => ({ entry, ...decode(entry) }));
      const problems = decoded.flatMap(({ entry, reason }) =>
        reason === undefined ? [] : [{ entry, reason }],
      );
      const unreadable = new Set(problems.map(({ entry }) => entry.name));
      reported = new Map([...reported].filter(([name]) => unreadable.has(name)));
      report(problems);
      return toSnapshot(decoded.map(({ lease }) => lease).filter((lease) => lease !== undefined));
    },
    removed(name) {
      reported.delete(name);
      const subnets = parseKey(name);
      return subnets && { kind: 'removed', subnets };
    },
  };
}

interface Problem {
  readonly entry: LeaseEntry;
  readonly reason: string;
}

interface Decoded {
  /** `undefined` when the key is no subnet. */
  readonly lease?: RegistryEntry;
  /** Why it is unreadable; `undefined` when it is not. */
  readonly reason?: string;
}

function decode({ name, value, revision, expiresAt }: LeaseEntry): Decoded {
  const subnets = parseKey(name);
  if (!subnets) return { reason: 'the key is no subnet' };
  try {
    return { lease: { subnets, attributes: decodeLeaseAttributes(value), revision, expiresAt } };
  } catch (error) {
    if (!(error instanceof LeaseValueError)) throw error;
    const reason = error.message;
    return { lease: { subnets, reason, revision, expiresAt }, reason };
  }
}

function parseKey(name: string): SubnetPair | undefined {
  try {
    return parseSubnetKey(name);
  } catch {
    return undefined;
  }
}
