import type { SubnetPair } from '@flannel-ts/ip';
import { formatSubnetKey } from '@flannel-ts/ip';
import type { RegistryEntry } from './lease.ts';

/** The registry holds an entry for the subnet already. */
export class LeaseExistsError extends Error {
  readonly subnets: SubnetPair;

  constructor(subnets: SubnetPair, options?: ErrorOptions) {
    super(`subnet ${formatSubnetKey(subnets)} is already leased`, options);
    this.name = 'LeaseExistsError';
    this.subnets = subnets;
  }
}

/** The lease is not what we last wrote: deleted, expired, or written by another process. */
export class LeaseLostError extends Error {
  readonly subnets: SubnetPair;
  /** What the registry holds under this subnet now, if anything. */
  readonly current: RegistryEntry | undefined;

  constructor(subnets: SubnetPair, current: RegistryEntry | undefined, options?: ErrorOptions) {
    const state = current ? 'was changed by another process' : 'is gone from the registry';
    super(`lease ${formatSubnetKey(subnets)} ${state}`, options);
    this.name = 'LeaseLostError';
    this.subnets = subnets;
    this.current = current;
  }
}

/** The registry cannot be reached or refuses to answer; the call may be tried again. */
export class RegistryUnavailableError extends Error {
  constructor(message: string, options?: ErrorOptions) {
    super(message, options);
    this.name = 'RegistryUnavailableError';
  }
}

/** Returns what a write returns, or `undefined` when another process was faster. */
export async function ignoringLoss<T>(write: Promise<T>): Promise<T | undefined> {
  try {
    return await write;
  } catch (error) {
    if (error instanceof LeaseLostError) return undefined;
    throw error;
  }
}
