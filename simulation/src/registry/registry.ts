import {
  encodeLeaseAttributes,
  leaseKey,
  LeaseExistsError,
  LeaseLostError,
  type Clock,
  type Lease,
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

  /** What a write leaves, with the expiry that only its writer knows. */
  async function put(
    lease: Pick<Lease, 'subnets'>,
    request: { readonly expected: number; readonly value: string; readonly ttlMs: number | undefined },
    signal: AbortSignal | undefined,
  ): Promise<Lease> {
    const start = clock.now();
    const written = await network.call(() => swap(lease, request)!, signal);
    return { ...written, expiresAt: request.ttlMs === undefined ? undefined : start + request.ttlMs };
  }

  return {
    readConfig: (options) => network.call(() => config, options?.signal),
    readLeases: (options) => network.call(() => leasesOf(store), options?.signal),
    createLease: ({ attributes, ttlMs, subnets }, options) =>
      put({ subnets }, { expected: 0, value: encodeLeaseAttributes(attributes), ttlMs }, options?.signal),
    updateLease: (lease, { attributes, ttlMs }, options) =>
      put(
        lease,
        { expected: revisionOf(lease), value: encodeLeaseAttributes(attributes), ttlMs },
        options?.signal,
      ),
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
