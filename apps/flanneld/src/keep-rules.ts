import type { TunnelPeersChange } from '@flannel-ts/backend';
import { createFirewall, type DesiredRules, type Firewall } from '@flannel-ts/firewall';
import type { Address, Prefix } from '@flannel-ts/ip';
import { openNetlinkPort } from '@flannel-ts/native';
import { desiredRules, type HostFacts } from './firewall.ts';
import { reportFirewallEvent, type Reporting } from './report-events.ts';
import type { Settings } from './request.ts';

/** The rules of one generation. Disposing leaves them as they are. */
export interface KeptRules extends AsyncDisposable {
  /** Takes in the hosts with which encapsulated packets are exchanged: first all of them, then each change. */
  updateTunnelPeers(change: TunnelPeersChange): void;
  /**
   * Resolves when the rules are in place for the hosts whose packets arrive without encapsulation. Where there can be
   * none, the rules do not depend on the routes, and are applied beside them.
   */
  follow(hosts: () => readonly Address[]): Promise<void>;
}

/**
 * Keeps the rules that flags and network config ask for.
 * @param context.former - networks that this daemon served before: their rules go
 */
export function keepRules(
  settings: Settings,
  facts: Omit<HostFacts, 'hosts' | 'tunnelPeers'>,
  context: Reporting & { readonly former: readonly Prefix[] },
): KeptRules {
  const firewall = createFirewall(
    { onEvent: (event) => reportFirewallEvent(context, event), openPort: openNetlinkPort },
    {
      tool: facts.config.enableNFTables ? 'nftables' : 'iptables',
      resyncMs: settings['iptables-resync'] * 1000,
      former: context.former,
    },
  );
  const peers = new Map<string, Address>();
  const apply = followHosts(firewall, (hosts) =>
    desiredRules(settings, { ...facts, hosts, tunnelPeers: [...peers.values()] }),
  );
  const direct = facts.backend.overlayInterfaces.includes(facts.underlay.link);
  let applied: Promise<void> | undefined;

  function begin(hosts: readonly Address[]): Promise<void> {
    applied = apply(hosts);
    applied.catch(() => undefined); // thrown where it is awaited
    return applied;
  }

  return {
    updateTunnelPeers(change) {
      for (const address of change.remove) peers.delete(address.toString());
      for (const address of change.add) peers.set(address.toString(), address);
      if (applied) void firewall.updatePeers(change);
      else if (!direct) void begin([]);
    },
    follow: (hosts) => (direct ? begin(hosts()) : applied!),
    [Symbol.asyncDispose]: () => firewall[Symbol.asyncDispose](),
  };
}

/** Applies the rules for a set of hosts, when it is another one than before. */
export function followHosts(
  firewall: Pick<Firewall, 'apply'>,
  rulesFor: (hosts: readonly Address[]) => DesiredRules,
): (hosts: readonly Address[]) => Promise<void> {
  let applied: string | undefined;
  return async (hosts) => {
    const sorted = hosts.map(String).sort().join();
    if (sorted === applied) return;
    applied = sorted;
    await firewall.apply(rulesFor(hosts));
  };
}
