import type { Family } from '@flannel-ts/ip';
import type { NetlinkConnection } from '@flannel-ts/netlink';
import {
  enabledFamilies,
  isSameHost,
  leaseKey,
  NetworkConfigError,
  parseNetworkConfig,
  type LeaseAttributes,
  type Registry,
} from '@flannel-ts/subnet';
import type { CommandContext } from '../command-context.ts';
import { openRegistry } from '../open-registry.ts';
import type { CleanupSettings } from '../request.ts';
import { findUnderlay } from '../underlay.ts';
import type { Findings } from './steps.ts';

/** How long etcd may take to answer. */
const PATIENCE_MS = 10_000;

/** The lease that carries this host's public IP. A reservation is the operator's and stays. */
export async function findLease(
  { netlink, stack }: { readonly netlink: NetlinkConnection; readonly stack: AsyncDisposableStack },
  settings: CleanupSettings,
  { log, signal }: CommandContext,
): Promise<Findings> {
  const publicIp = await findPublicIp(netlink, settings);
  const registry = stack.use(openRegistry(settings, { log }));
  const within = () => AbortSignal.any([signal, AbortSignal.timeout(PATIENCE_MS)]);
  const leases = await registry.readLeases({ signal: within() });
  const families = await findFamilies(registry, within());
  const own = leases.filter(({ attributes }) => isSameHost(attributes, { publicIp }, families));
  const reserved = own.filter(({ expiresAt }) => expiresAt === undefined);
  const expiring = own.filter(({ expiresAt }) => expiresAt !== undefined);
  return {
    leftovers: expiring.map((lease) => ({
      what: `lease ${leaseKey(lease)}`,
      delete: () => registry.deleteLease(lease, { signal: within() }),
    })),
    kept:
      own.length > 0
        ? reserved.map((lease) => `lease ${leaseKey(lease)}: a reservation, left as it is`)
        : ['lease: this host has none'],
  };
}

/** Returns the families that the network config enables; both where there is no valid config any more. */
async function findFamilies(registry: Registry, signal: AbortSignal): Promise<readonly Family[]> {
  const text = await registry.readConfig({ signal });
  try {
    return enabledFamilies(parseNetworkConfig(text ?? ''));
  } catch (error) {
    if (error instanceof NetworkConfigError) return [4, 6];
    throw error;
  }
}

/** The flags are enough where the interface is gone. */
async function findPublicIp(
  netlink: NetlinkConnection,
  settings: CleanupSettings,
): Promise<LeaseAttributes['publicIp']> {
  const given = { ipv4: settings['public-ip'], ipv6: settings['public-ipv6'] };
  try {
    return (await findUnderlay(netlink, settings)).publicIp;
  } catch (error) {
    if (given.ipv4 ?? given.ipv6) return given;
    throw error;
  }
}
