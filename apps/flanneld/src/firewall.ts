import { createFirewall, type Firewall, type WantedRules } from '@flannel-ts/firewall';
import type { Lease, NetworkConfig } from '@flannel-ts/subnet';
import { logFirewallEvent } from './log-events.ts';
import type { Logger } from './log.ts';
import type { Settings } from './request.ts';

/** The firewall that the network config asks for, without rules yet. */
export function openFirewall(settings: Settings, config: NetworkConfig, log: Logger): Firewall {
  return createFirewall(
    { onEvent: (event) => logFirewallEvent(log, event) },
    {
      tool: config.enableNFTables ? 'nftables' : 'iptables',
      resyncMs: settings['iptables-resync'] * 1000,
    },
  );
}

/** The rules that the flags ask for, with this host's subnets. */
export function wantedRules(settings: Settings, config: NetworkConfig, { subnets }: Lease): WantedRules {
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
