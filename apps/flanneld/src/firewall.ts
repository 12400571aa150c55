import type { Backend, Underlay } from '@flannel-ts/backend';
import type { SubnetEnv } from '@flannel-ts/docker-options';
import {
  createFirewall,
  type Firewall,
  type FirewallEvent,
  type GuardedTunnel,
  type PacketMark,
  type DesiredRules,
} from '@flannel-ts/firewall';
import type { Address } from '@flannel-ts/ip';
import { openNetlinkPort } from '@flannel-ts/native';
import type { Lease, NetworkConfig } from '@flannel-ts/subnet';
import { protectedBridge } from './docker-network.ts';
import { leasedOverlays } from './leased-overlays.ts';
import type { Logger } from './log.ts';
import type { Settings } from './request.ts';

/**
 * Closes the bridge of the Docker network until there is a lease: after a boot Docker opens it as soon as it starts,
 * and no rule of an earlier run is left. Where subnet.env is there, these rules are, too, and stay as they are.
 * Disposing leaves the rules.
 */
export async function closeDockerNetwork(
  settings: Settings,
  { log, earlier }: { readonly log: Logger; readonly earlier: SubnetEnv },
): Promise<Firewall | undefined> {
  const protect = protectedBridge(settings);
  if (!protect || earlier.subnet) return undefined;
  const onEvent = (event: FirewallEvent) => {
    if (event.kind !== 'obstacles') return;
    for (const error of event.obstacles)
      log.warn({ error, bridge: protect.interface }, 'the bridge is not closed before a subnet is leased');
  };
  const resyncMs = settings['iptables-resync'] * 1000;
  const firewall = createFirewall({ onEvent, openPort: openNetlinkPort }, { tool: 'iptables', resyncMs });
  await firewall.apply({ overlays: [], forward: false, protect });
  return firewall;
}

/** What this host is to the overlay. */
export interface HostFacts {
  readonly config: NetworkConfig;
  readonly lease: Lease;
  readonly backend: Pick<Backend, 'overlayInterfaces' | 'encapsulation'>;
  readonly underlay: Pick<Underlay, 'link'>;
  /** Hosts with which encapsulated packets are exchanged. */
  readonly tunnelPeers: readonly Address[];
  /** Hosts whose packets arrive without encapsulation. */
  readonly hosts: readonly Address[];
}

/** The rules that the flags ask for, with this host's subnets. */
export function desiredRules(settings: Settings, facts: HostFacts): DesiredRules {
  const { config, lease, backend, underlay, hosts } = facts;
  const interfaces = backend.overlayInterfaces;
  return {
    overlays: leasedOverlays(config, lease).map((overlay) => ({ ...overlay, interfaces, hosts })),
    masquerade: settings['ip-masq'] ? { fullyRandom: !settings['ip-masq-fully-random-disable'] } : undefined,
    forward: settings['iptables-forward-rules'],
    underlay: underlay.link,
    acceptMark: parseMark(settings['docker-accept-fwmark']),
    protect: protectedBridge(settings),
    tunnel: guardedTunnel(settings, facts),
  };
}

function guardedTunnel(
  settings: Settings,
  { backend: { encapsulation }, underlay, tunnelPeers }: HostFacts,
): GuardedTunnel | undefined {
  if (!encapsulation) return undefined;
  const { port, vni } = encapsulation;
  return {
    ...{ family: 4, port, underlay: underlay.link, peers: tunnelPeers },
    onlyPeersVni: settings['vxlan-accept'] === 'peers' ? vni : undefined,
  };
}

/** Reads `MARK[/MASK]`, decimal or hexadecimal, as Docker does; without a mask, every bit counts. */
function parseMark(text: string): PacketMark | undefined {
  if (text === '') return undefined;
  const [value, mask = 0xffff_ffff] = text.split('/').map(Number);
  return { value: (value! & mask) >>> 0, mask };
}
