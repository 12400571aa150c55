import { parseNetworkConfig } from '@flannel-ts/subnet';
import type { Flavour } from '../registry/entry.ts';
import type { DaemonSettings } from './daemon-settings.ts';
import { createRandom } from './random.ts';

/** What a run is made from: the same request gives the same run, byte for byte. */
export interface RunRequest {
  readonly seed: number;
  readonly daemons: number;
  readonly days: number;
  /** Leases have a subnet of each family, and no backend follows them. @default false */
  readonly dualStack?: boolean | undefined;
}

/** The cluster that a seed stands for. */
export interface ClusterPlan {
  readonly settings: DaemonSettings;
  /** The network config's text. */
  readonly configText: string;
  readonly flavour: Flavour;
  readonly hosts: readonly HostPlan[];
}

export interface HostPlan {
  readonly startsAt: number;
  readonly driftPpm: number;
  readonly hasIPv6: boolean;
}

const MINUTE_MS = 60_000;
export const HOUR_MS = 60 * MINUTE_MS;
export const DAY_MS = 24 * HOUR_MS;
const TTL_MS = DAY_MS;

export function planCluster({ seed, daemons, dualStack = false }: RunRequest): ClusterPlan {
  const random = createRandom(`${seed}/cluster`);
  // A small network with some subnets for each daemon: leases meet often, and are not used up.
  const subnetBits = Math.ceil(Math.log2(random.pick([2.5, 4]) * daemons));
  const backend = random.chance(0.7) ? 'vxlan' : 'host-gw';
  const ipv4 = { Network: `10.4.0.0/${24 - subnetBits}`, Backend: { Type: dualStack ? 'alloc' : backend } };
  const ipv6 = dualStack && { EnableIPv6: true, IPv6Network: `fd00::/${64 - subnetBits}`, IPv6SubnetLen: 64 };
  const configText = JSON.stringify({ ...ipv4, ...ipv6 });
  const joinWithinMs = random.pick([10, MINUTE_MS, DAY_MS]);
  const renewMarginMs = random.pick([1, 5, 60]) * MINUTE_MS;
  return {
    settings: { config: parseNetworkConfig(configText), ttlMs: TTL_MS, renewMarginMs },
    configText,
    flavour: random.pick(['v2', 'v3']),
    hosts: Array.from({ length: daemons }, () => ({
      startsAt: random.next() * joinWithinMs,
      driftPpm: (random.next() - 0.5) * 200,
      hasIPv6: dualStack || random.chance(0.5),
    })),
  };
}
