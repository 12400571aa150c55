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

/** The lease is not what we last wrote: deleted, expired, written by another process, or given up for a rival's. */
export class LeaseLostError extends Error {
  readonly subnets: SubnetPair;
  /** What the registry holds under this subnet now, if anything; or the entry of another host that overlaps it. */
  readonly current: RegistryEntry | undefined;

  constructor(subnets: SubnetPair, current: RegistryEntry | undefined, options?: ErrorOptions) {
    super(`lease ${formatSubnetKey(subnets)} ${describe(subnets, current)}`, options);
    this.name = 'LeaseLostError';
    this.subnets = subnets;
    this.current = current;
  }
}

function describe(subnets: SubnetPair, current: RegistryEntry | undefined): string {
  if (!current) return 'is gone from the registry';
  const key = formatSubnetKey(current.subnets);
  return key === formatSubnetKey(subnets)
    ? 'was changed by another process'
    : `overlaps ${key} of another host`;
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
