import { setTimeout as delay } from 'node:timers/promises';
import { createBackoff } from '@flannel-ts/backoff';
import {
  acquireLease,
  leaseKey,
  OutOfSubnetsError,
  RegistryUnavailableError,
  type AcquireOptions,
  type Lease,
  type Registry,
} from '@flannel-ts/subnet';
import type { Conditions } from './conditions.ts';
import type { Logger } from './log.ts';

/** Takes a lease, again and again while the registry is out of reach or the network is full. */
export async function acquireOwnLease(
  components: { readonly registry: Registry; readonly conditions: Conditions; readonly log: Logger },
  options: AcquireOptions & { readonly signal: AbortSignal },
): Promise<Lease> {
  const { registry, conditions, log } = components;
  const backoff = createBackoff({ random: Math.random });
  let { snapshot } = options;
  for (;;) {
    try {
      const lease = await acquireLease({ registry, log, random: Math.random }, { ...options, snapshot });
      conditions.report('lease', 'ok');
      log.info({ lease: leaseKey(lease), revision: lease.revision }, 'subnet leased');
      return lease;
    } catch (error) {
      options.signal.throwIfAborted();
      if (!(error instanceof RegistryUnavailableError || error instanceof OutOfSubnetsError)) throw error;
      conditions.report('lease', 'failing', `no subnet is leased: ${explain(error)}`);
    }
    await delay(backoff.next(), undefined, { signal: options.signal });
    snapshot = undefined;
  }
}

function explain(error: RegistryUnavailableError | OutOfSubnetsError): string {
  if (error instanceof RegistryUnavailableError) return error.message;
  return `out of subnets: every subnet of ${error.network.toString()} is taken; enlarge Network, or remove leases of hosts that are gone`;
}
