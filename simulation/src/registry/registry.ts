import {
  encodeLeaseAttributes,
  leaseKey,
  LeaseExistsError,
  LeaseLostError,
  type Clock,
  type Lease,
  type LeaseRequest,
  type Registry,
} from '@flannel-ts/subnet';
import { revisionOf } from './entry.ts';
import type { Network } from './network.ts';
import type { Store, Writer } from './store.ts';
import type { WatchLeases } from './watch.ts';

/** Opens the registry as one host has it: what it knows comes over its network only. */
export function openRegistry(
  components: {
    readonly store: Store;
    readonly network: Network;
    readonly clock: Clock;
    readonly watch: WatchLeases;
  },
  { writer, config }: { readonly writer: Writer; readonly config: string },
): Registry {
  const { store, network, clock, watch } = components;

  /** Writes by compare-and-swap; refuses as the port's contract says. */
  function swap(
    lease: Pick<Lease, 'subnets'>,
    request: { readonly expected: number; readonly value?: string; readonly ttlMs?: number | undefined },
  ): Lease | undefined {
    const { expected, value, ttlMs } = request;
    const result = store.swap({ writer, key: leaseKey(lease), expected, value, ttlMs });
    if (result.kind === 'done') return result.entry?.lease;
    if (expected === 0) throw new LeaseExistsError(lease.subnets);
    throw new LeaseLostError(lease.subnets, result.current?.lease);
  }

  /** Writes a lease and returns it with the expiry, which only its writer knows. */
  async function put(
    { subnets, attributes, ttlMs }: LeaseRequest,
    expected: number,
    signal: AbortSignal | undefined,
  ): Promise<Lease> {
    const start = clock.now();
    const value = encodeLeaseAttributes(attributes);
    const { revision } = await network.call(() => swap({ subnets }, { expected, value, ttlMs })!, signal);
    return { subnets, attributes, expiresAt: ttlMs === undefined ? undefined : start + ttlMs, revision };
  }

  return {
    readConfig: (options) => network.call(() => config, options?.signal),
    readLeases: (options) => network.call(() => leasesOf(store), options?.signal),
    createLease: (request, options) => put(request, 0, options?.signal),
    updateLease: (lease, update, options) =>
      put({ subnets: lease.subnets, ...update }, revisionOf(lease), options?.signal),
    async deleteLease(lease, options) {
      await network.call(() => swap(lease, { expected: revisionOf(lease) }), options?.signal);
    },
    watchLeases: (options) => watch(options?.signal),
    [Symbol.asyncDispose]: () => Promise.resolve(),
  };
}

/** All readable leases, as a listing returns them. */
export function leasesOf({ entries }: Pick<Store, 'entries'>): readonly Lease[] {
  const leases: Lease[] = [];
  for (const { lease } of entries.values()) if (lease) leases.push(lease);
  return leases;
}
