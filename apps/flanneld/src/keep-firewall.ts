import { createFirewall, type Firewall, type WantedRules } from '@flannel-ts/firewall';
import type { Lease, NetworkConfig } from '@flannel-ts/subnet';
import { logFirewallEvent } from './log-events.ts';
import type { Logger } from './log.ts';
import type { Settings } from './request.ts';

/** Puts the rules that the flags ask for in place, and keeps them there. */
export async function keepFirewall(
  settings: Settings,
  { config, lease, log }: { readonly config: NetworkConfig; readonly lease: Lease; readonly log: Logger },
): Promise<Firewall> {
  const firewall = createFirewall(
    { onEvent: (event) => logFirewallEvent(log, event) },
    {
      tool: config.enableNFTables ? 'nftables' : 'iptables',
      resyncMs: settings['iptables-resync'] * 1000,
    },
  );
  await firewall.apply(wantedRules(settings, config, lease));
  return firewall;
}

function wantedRules(settings: Settings, config: NetworkConfig, { subnets }: Lease): WantedRules {
  const families = [
    { network: config.ipv4?.network, subnet: subnets.ipv4 },
    { network: config.ipv6?.network, subnet: subnets.ipv6 },
  ];
  return {
    overlays: families.flatMap(({ network, subnet }) => (network && subnet ? [{ network, subnet }] : [])),
    masquerade: settings['ip-masq'] ? { fullyRandom: !settings['ip-masq-fully-random-disable'] } : undefined,
    forward: settings['iptables-forward-rules'],
  };
}
