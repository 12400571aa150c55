import { EventEmitter, on } from 'node:events';
import { parseSubnetKey } from '@flannel-ts/ip';
import { systemClock, type Clock } from '../clock.ts';
import { LeaseExistsError, LeaseLostError } from '../errors.ts';
import { decodeLeaseAttributes, encodeLeaseAttributes } from '../lease-value.ts';
import { leaseKey, type Lease } from '../lease.ts';
import type { Logger } from '../logger.ts';
import type { LeaseChange, LeaseEvent, LeaseUpdate, Registry } from '../registry.ts';

/** A store in memory that any number of {@link Registry} handles share, as daemons share an etcd. */
export interface MemoryStore extends Disposable {
  open(components: { readonly log: Logger }): Registry;
  /** Writes the network config, as an operator would; `undefined` deletes it. */
  writeConfig(text: string | undefined): void;
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
export function createMemoryStore(clock: Clock = systemClock): MemoryStore {
  const entries = new Map<string, Entry>();
  const expiries = new Map<string, AbortController>();
  const changes = new EventEmitter().setMaxListeners(0);
  let config: string | undefined;
  let revisions = 0;

  function put(key: string, value: string, ttlMs: number | undefined): Entry {
    const expiresAt = ttlMs === undefined ? undefined : clock.now() + ttlMs;
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
    clock.delay(ttlMs, { signal: expiry.signal }).then(
      () => remove(key),
      () => undefined,
    );
  }

  function remove(key: string): void {
    expireIn(undefined, key);
    if (entries.delete(key)) changes.emit('change', { key, entry: undefined } satisfies Change);
  }

  function open({ log }: { readonly log: Logger }): Registry {
    function read(key: string, entry: Entry): Lease | undefined {
      try {
        const attributes = decodeLeaseAttributes(entry.value);
        return {
          subnets: parseSubnetKey(key),
          attributes,
          expiresAt: entry.expiresAt,
          revision: entry.revision,
        };
      } catch (error) {
        log.warn({ key, error }, 'unreadable lease; skipped');
        return undefined;
      }
    }

    const readAll = () =>
      [...entries].map(([key, entry]) => read(key, entry)).filter((lease) => lease !== undefined);

    /** The entry, if it is still the one that `lease` was read from. */
    function unchanged(lease: Lease): string {
      const key = leaseKey(lease);
      const entry = entries.get(key);
      if (entry?.revision !== lease.revision)
        throw new LeaseLostError(lease.subnets, entry && read(key, entry));
      return key;
    }

    function toChange({ key, entry }: Change): LeaseChange | undefined {
      if (!entry) return isReadable(key) ? { kind: 'removed', subnets: parseSubnetKey(key) } : undefined;
      const lease = read(key, entry);
      return lease && { kind: 'put', lease };
    }

    async function* watch(signal: AbortSignal | undefined): AsyncGenerator<LeaseEvent> {
      if (signal?.aborted) return;
      const events = on(changes, 'change', { signal }) as AsyncIterableIterator<[Change]>;
      try {
        yield { kind: 'snapshot', leases: readAll() };
        for await (const [event] of events) {
          const change = toChange(event);
          if (change) yield { kind: 'delta', changes: [change] };
        }
      } catch (error) {
        if (!signal?.aborted) throw error;
      } finally {
        await events.return?.();
      }
    }

    async function* watchConfig(signal: AbortSignal | undefined): AsyncGenerator<string | undefined> {
      if (signal?.aborted) return;
      const writes = on(changes, 'config', { signal }) as AsyncIterableIterator<[string | undefined]>;
      try {
        yield config;
        for await (const [text] of writes) yield text;
      } catch (error) {
        if (!signal?.aborted) throw error;
      } finally {
        await writes.return?.();
      }
    }

    return {
      readConfig: () => Promise.resolve(config),
      readLeases: () => Promise.resolve(readAll()),
      createLease: async ({ subnets, attributes, ttlMs }) => {
        const key = leaseKey({ subnets });
        if (entries.has(key)) throw new LeaseExistsError(subnets);
        return read(key, put(key, encodeLeaseAttributes(attributes), ttlMs))!;
      },
      updateLease: async (lease, { attributes, ttlMs }: LeaseUpdate) => {
        const key = unchanged(lease);
        return read(key, put(key, encodeLeaseAttributes(attributes), ttlMs))!;
      },
      deleteLease: async (lease) => remove(unchanged(lease)),
      watchLeases: (options) => watch(options?.signal),
      watchConfig: (options) => watchConfig(options?.signal),
      [Symbol.asyncDispose]: () => Promise.resolve(),
    };
  }

  return {
    open,
    writeConfig(text) {
      config = text;
      changes.emit('config', text);
    },
    writeEntry: (key, value) => void put(key, value, undefined),
    deleteEntry: remove,
    [Symbol.dispose]: () => {
      for (const key of expiries.keys()) expireIn(undefined, key);
    },
  };
}

function isReadable(key: string): boolean {
  try {
    parseSubnetKey(key);
    return true;
  } catch {
    return false;
  }
}
