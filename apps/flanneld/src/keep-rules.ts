import { createFirewall, type DesiredRules, type Firewall } from '@flannel-ts/firewall';
import type { Address, Prefix } from '@flannel-ts/ip';
import { openNetlinkPort } from '@flannel-ts/native';
import { desiredRules, type HostFacts } from './firewall.ts';
import { reportFirewallEvent, type Reporting } from './report-events.ts';
import type { Settings } from './request.ts';

/** The rules of one generation. Disposing leaves them as they are. */
export interface KeptRules extends AsyncDisposable {
  /**
   * Resolves when the rules are in place for the hosts whose packets arrive without encapsulation. Where there can be
   * none, the rules do not depend on the leases, and are applied beside the routes.
   */
  follow(hosts: () => readonly Address[]): Promise<void>;
}

/**
 * Keeps the rules that flags and network config ask for.
 * @param context.former - networks that this daemon served before: their rules go
 */
export function keepRules(
  settings: Settings,
  facts: Omit<HostFacts, 'hosts'>,
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
  const apply = followHosts(firewall, (hosts) => desiredRules(settings, { ...facts, hosts }));
  const direct = facts.backend.overlayInterfaces.includes(facts.underlay.link);
  const applied = direct ? undefined : apply([]);
  applied?.catch(() => undefined); // thrown where it is awaited
  return {
    follow: (hosts) => applied ?? apply(hosts()),
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
