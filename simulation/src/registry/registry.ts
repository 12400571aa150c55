import {
  encodeLeaseAttributes,
  leaseKey,
  LeaseExistsError,
  LeaseLostError,
  toSnapshot,
  type Clock,
  type CallOptions,
  type Lease,
  type LeaseRequest,
  type LeaseVersion,
  type LeaseSnapshot,
  type Logger,
  type Registry,
  type RegistryEntry,
} from '@flannel-ts/subnet';
import type { Entry } from './entry.ts';
import type { Network } from './network.ts';
import type { Store, Writer } from './store.ts';
import type { WatchLeases } from './watch.ts';
import { watchConfig } from './watch-config.ts';

/** Opens the registry as one host has it: what it knows comes over its network only. */
export function openRegistry(
  components: {
    readonly store: Store;
    readonly network: Network;
    readonly clock: Clock;
    readonly watch: WatchLeases;
    readonly log: Logger;
  },
  { writer, config }: { readonly writer: Writer; readonly config: () => string | undefined },
): Registry {
  const { store, network, clock, watch, log } = components;

  /** Writes by compare-and-swap; refuses as the port's contract says. */
  function swap(
    lease: Pick<LeaseVersion, 'subnets'>,
    request: {
      readonly expected: string | undefined;
      readonly value?: string;
      readonly ttlMs?: number | undefined;
    },
  ): RegistryEntry | undefined {
    const { expected, value, ttlMs } = request;
    const result = store.swap({ writer, key: leaseKey(lease), expected, value, ttlMs });
    if (result.kind === 'done') return result.entry?.shown;
    if (expected === undefined) throw new LeaseExistsError(lease.subnets);
    throw new LeaseLostError(lease.subnets, result.current?.shown);
  }

  /** Writes a lease and returns it with the expiry, which only its writer knows. */
  async function put(
    { subnets, attributes, ttlMs }: LeaseRequest,
    expected: string | undefined,
    signal: AbortSignal | undefined,
  ): Promise<Lease> {
    const start = clock.now();
    const value = encodeLeaseAttributes(attributes);
    const { revision } = await network.call(() => swap({ subnets }, { expected, value, ttlMs })!, signal);
    return { subnets, attributes, expiresAt: ttlMs === undefined ? undefined : start + ttlMs, revision };
  }

  async function readAll(options?: CallOptions): Promise<LeaseSnapshot> {
    const entries = await network.call(() => [...store.entries.values()], options?.signal);
    for (const { key, content } of entries) {
      if (!content.subnets || !content.attributes) log.warn({ key }, 'unreadable lease; skipped');
    }
    return snapshotOf(entries);
  }

  const readConfig: Registry['readConfig'] = (options) => network.call(config, options?.signal);

  return {
    readConfig,
    readSnapshot: readAll,
    readLeases: async (options) => (await readAll(options)).leases,
    readLease: (subnets, options) =>
      network.call(() => store.entries.get(leaseKey({ subnets }))?.shown, options?.signal),
    createLease: (request, options) => put(request, undefined, options?.signal),
    updateLease: (lease, update, options) =>
      put({ subnets: lease.subnets, ...update }, lease.revision, options?.signal),
    async deleteLease(lease, options) {
      await network.call(() => swap(lease, { expected: lease.revision }), options?.signal);
    },
    watchLeases: (options) => watch(options?.signal),
    watchConfig: (options) => watchConfig({ readConfig, clock }, options?.signal),
    [Symbol.asyncDispose]: () => Promise.resolve(),
  };
}

/** Returns entries as a listing does. */
export function snapshotOf(entries: Iterable<Entry>): LeaseSnapshot {
  const shown: RegistryEntry[] = [];
  for (const entry of entries) if (entry.shown) shown.push(entry.shown);
  return toSnapshot(shown);
}
