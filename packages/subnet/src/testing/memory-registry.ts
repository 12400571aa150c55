import { EventEmitter, on } from 'node:events';
import { parseSubnetKey, type SubnetPair } from '@flannel-ts/ip';
import { systemClock, type Clock } from '../clock.ts';
import { toChange, toSnapshot } from '../entries.ts';
import { LeaseExistsError, LeaseLostError } from '../errors.ts';
import { decodeLeaseAttributes, encodeLeaseAttributes, type LeaseValueError } from '../lease-value.ts';
import { leaseKey, type Lease, type LeaseVersion, type RegistryEntry } from '../lease.ts';
import type { Logger } from '../logger.ts';
import type { LeaseChange, LeaseEvent, LeaseRequest, LeaseSnapshot, Registry } from '../registry.ts';

/** A store in memory that any number of {@link Registry} handles share, as daemons share an etcd. */
export interface MemoryStore extends Disposable {
  /**
   * @param components.clock - the clock of the host, which may differ from the store's; `expiresAt` is by it
   */
  open(components: { readonly log: Logger; readonly clock?: Clock }): Registry;
  /** Writes the network config, as an operator would. */
  writeConfig(text: string): void;
  /** Writes an entry under `subnets/` as another program would: any key, any value, no time to live. */
  writeEntry(key: string, value: string): void;
  deleteEntry(key: string): void;
}

interface Entry {
  readonly value: string;
  readonly expiresAt: number | undefined;
  readonly revision: string;
}

type Change = { readonly key: string; readonly entry: Entry | undefined };

/** Makes an empty store. Disposing it ends its timers; entries do not expire any more. */
export function createMemoryStore(storeClock: Clock = systemClock): MemoryStore {
  const entries = new Map<string, Entry>();
  const expiries = new Map<string, AbortController>();
  const changes = new EventEmitter().setMaxListeners(0);
  let config: string | undefined;
  let revisions = 0;

  function put(key: string, value: string, ttlMs: number | undefined): Entry {
    const expiresAt = ttlMs === undefined ? undefined : storeClock.now() + ttlMs;
    const entry = { value, expiresAt, revision: `${++revisions}` };
    entries.set(key, entry);
    expireIn(ttlMs, key);
    changes.emit('change', { key, entry } satisfies Change);
    return entry;
  }

  /** Removes the entry after `ttlMs`, and not any more when it was to be removed before. */
  function expireIn(ttlMs: number | undefined, key: string): void {
    expiries.get(key)?.abort();
    expiries.delete(key);
    if (ttlMs === undefined) return;
    const expiry = new AbortController();
    expiries.set(key, expiry);
    storeClock.delay(ttlMs, { signal: expiry.signal }).then(
      () => remove(key),
      () => undefined,
    );
  }

  function remove(key: string): void {
    expireIn(undefined, key);
    if (entries.delete(key)) changes.emit('change', { key, entry: undefined } satisfies Change);
  }

  function open({ log, clock = storeClock }: Parameters<MemoryStore['open']>[0]): Registry {
    function read(key: string, entry: Entry): RegistryEntry | undefined {
      const subnets = parseKey(key);
      const { value, revision } = entry;
      const left = entry.expiresAt === undefined ? undefined : entry.expiresAt - storeClock.now();
      const expiresAt = left === undefined ? undefined : clock.now() + left;
      try {
        const attributes = decodeLeaseAttributes(value);
        if (subnets) return { subnets, attributes, expiresAt, revision };
        log.warn({ key }, 'no subnet; skipped');
        return undefined;
      } catch (error) {
        log.warn({ key, error }, 'unreadable lease; skipped');
        return subnets && { subnets, revision, reason: (error as LeaseValueError).message, expiresAt };
      }
    }

    function readAll(): LeaseSnapshot {
      const all = [...entries].map(([key, entry]) => read(key, entry));
      return toSnapshot(all.filter((entry) => entry !== undefined));
    }

    function readKey(key: string): RegistryEntry | undefined {
      const entry = entries.get(key);
      return entry && read(key, entry);
    }

    /** Writes a lease and returns it as the host keeps it. */
    function write({ subnets, attributes, ttlMs }: LeaseRequest): Lease {
      const { revision } = put(leaseKey({ subnets }), encodeLeaseAttributes(attributes), ttlMs);
      const expiresAt = ttlMs === undefined ? undefined : clock.now() + ttlMs;
      return { subnets, attributes, expiresAt, revision };
    }

    /** @throws {LeaseLostError} when the entry is not the version that the caller read. */
    function checkUnchanged({ subnets, revision }: LeaseVersion): void {
      const key = leaseKey({ subnets });
      if (entries.get(key)?.revision !== revision) throw new LeaseLostError(subnets, readKey(key));
    }

    function show({ key, entry }: Change): LeaseChange | undefined {
      if (entry) {
        const written = read(key, entry);
        return written && toChange(written);
      }
      const subnets = parseKey(key);
      return subnets && { kind: 'removed', subnets };
    }

    async function* watch(signal: AbortSignal | undefined): AsyncGenerator<LeaseEvent> {
      if (signal?.aborted) return;
      const events = on(changes, 'change', { signal }) as AsyncIterableIterator<[Change]>;
      try {
        yield { kind: 'snapshot', ...readAll() };
        for await (const [event] of events) {
          const change = show(event);
          if (change) yield { kind: 'delta', changes: [change] };
        }
      } catch (error) {
        if (!signal?.aborted) throw error;
      } finally {
        await events.return?.();
      }
    }

    return {
      readConfig: () => Promise.resolve(config),
      readSnapshot: async () => readAll(),
      readLeases: async () => readAll().leases,
      readLease: async (subnets) => readKey(leaseKey({ subnets })),
      createLease: async (request) => {
        if (entries.has(leaseKey(request))) throw new LeaseExistsError(request.subnets);
        return write(request);
      },
      updateLease: async (lease, update) => {
        checkUnchanged(lease);
        return write({ subnets: lease.subnets, ...update });
      },
      deleteLease: async (lease) => {
        checkUnchanged(lease);
        remove(leaseKey(lease));
      },
      watchLeases: (options) => watch(options?.signal),
      [Symbol.asyncDispose]: () => Promise.resolve(),
    };
  }

  return {
    open,
    writeConfig: (text) => (config = text),
    writeEntry: (key, value) => void put(key, value, undefined),
    deleteEntry: remove,
    [Symbol.dispose]: () => {
      for (const key of expiries.keys()) expireIn(undefined, key);
    },
  };
}

function parseKey(key: string): SubnetPair | undefined {
  try {
    return parseSubnetKey(key);
  } catch {
    return undefined;
  }
}
