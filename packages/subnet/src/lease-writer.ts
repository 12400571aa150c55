import type { Family } from '@flannel-ts/ip';
import { rivalsOf, yieldToRival } from './contested-lease.ts';
import { LeaseExistsError, LeaseLostError } from './errors.ts';
import { sameAttributes } from './lease-value.ts';
import {
  isReadable,
  isSameHost,
  leaseKey,
  type Lease,
  type LeaseAttributes,
  type RegistryEntry,
} from './lease.ts';
import type { Logger } from './logger.ts';
import type { Registry } from './registry.ts';

/** Writes one lease of this host, by compare-and-swap. */
export interface LeaseWriter {
  /** Reads what the registry holds under the lease's key. */
  read(): Promise<RegistryEntry | undefined>;
  /**
   * Puts the lease into the registry with a fresh time to live, whatever happened to it.
   * @throws {LeaseLostError} when another host has the subnet, or addresses of it.
   */
  write(request: WriteRequest): Promise<Written>;
}

export interface WriteRequest {
  readonly attributes: LeaseAttributes;
  /** The lease as we wrote it last. */
  readonly held: Lease;
  /** What the registry held when it was asked last; `undefined` for nothing. */
  readonly current: RegistryEntry | undefined;
  /** What an earlier write may have written although it failed here: its answer was lost. */
  readonly tried: LeaseAttributes | undefined;
}

export interface Written {
  readonly lease: Lease;
  /** What was there instead of our lease. */
  readonly repaired?: Repair | undefined;
}

export interface Repair {
  readonly found: 'nothing' | 'unreadable' | 'rival';
  readonly reason: string;
}

export function createLeaseWriter(
  { registry, log }: { readonly registry: Registry; readonly log: Logger },
  options: {
    readonly lease: Lease;
    readonly families: readonly Family[];
    readonly ttlMs: number;
    readonly signal: AbortSignal;
  },
): LeaseWriter {
  const { families, ttlMs, signal } = options;
  const { subnets } = options.lease;
  /** Whether the lease was recreated and may overlap another one that was written at the same time. */
  let isUnproven = false;
  const read = () => registry.readLease(subnets, { signal });

  async function write(request: WriteRequest): Promise<Written> {
    const { held, attributes } = request;
    let repaired: Repair | undefined;
    for (let { current } = request; ;) {
      signal.throwIfAborted();
      if (current !== held) repaired = explain(current, request);
      if (!current) await checkFree(attributes);
      let lease: Lease;
      try {
        lease = current ? await renew(current, request) : await create(attributes);
      } catch (error) {
        if (!(error instanceof LeaseLostError)) throw error;
        current = error.current;
        continue;
      }
      await prove(lease);
      log.debug({ lease: leaseKey(lease), ttlMs }, 'lease written');
      return { lease, repaired };
    }
  }

  /** Looks before a lease is recreated, so that none appears which overlaps one that was there. */
  async function checkFree(attributes: LeaseAttributes): Promise<void> {
    const [rival] = rivalsOf({ subnets, attributes }, await registry.readSnapshot({ signal }), families);
    if (rival) throw new LeaseLostError(subnets, rival);
  }

  /** Gives way when a recreated lease overlaps another one; an operator's reservation stays. */
  async function prove(lease: Lease): Promise<void> {
    if (isUnproven && lease.expiresAt !== undefined) {
      const rival = await yieldToRival(registry, lease, { families, signal });
      if (rival) throw new LeaseLostError(subnets, rival);
    }
    isUnproven = false;
  }

  /** Says what is there instead of our lease. @throws {LeaseLostError} when it is another host's. */
  function explain(
    current: RegistryEntry | undefined,
    { held, attributes, tried }: WriteRequest,
  ): Repair | undefined {
    if (!current) return { found: 'nothing', reason: 'the lease had vanished from the registry' };
    if (!isReadable(current)) {
      const reason = `the entry of the lease was unreadable (${current.reason})`;
      return { found: 'unreadable', reason };
    }
    const isOurs = [attributes, held.attributes].some((own) => isSameHost(current.attributes, own, families));
    if (!isOurs) throw new LeaseLostError(subnets, current);
    const isReserved = current.expiresAt === undefined && held.expiresAt !== undefined;
    const expected = isReserved ? attributes : tried;
    if (expected && sameAttributes(current.attributes, expected)) return undefined;
    const reason = 'another daemon with our public address, or an operator, had written over the lease';
    return { found: 'rival', reason };
  }

  function renew(current: RegistryEntry, { attributes, held }: WriteRequest): Promise<Lease> {
    const { expiresAt } = isReadable(current) ? current : held;
    const update = { attributes, ttlMs: expiresAt === undefined ? undefined : ttlMs };
    return registry.updateLease(current, update, { signal });
  }

  async function create(attributes: LeaseAttributes): Promise<Lease> {
    isUnproven = true;
    try {
      return await registry.createLease({ subnets, attributes, ttlMs }, { signal });
    } catch (error) {
      const current = error instanceof LeaseExistsError ? await read() : undefined;
      throw current ? new LeaseLostError(subnets, current) : error;
    }
  }

  return { read, write };
}
