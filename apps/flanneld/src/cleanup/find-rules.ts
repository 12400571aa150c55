import { createFirewall, type FirewallComponents } from '@flannel-ts/firewall';
import type { Prefix } from '@flannel-ts/ip';
import { createRehearsal } from './rehearsal.ts';
import type { Findings } from './steps.ts';

/** The rules and chains of these networks, or of every network: what the firewall would change to remove them. */
export async function findRules(networks: readonly Prefix[] | 'all'): Promise<Findings> {
  const overlays = networks === 'all' ? undefined : networks.map((network) => ({ network }));
  const remove = async (components: FirewallComponents) => {
    await using firewall = createFirewall(components, { tool: 'iptables' });
    await firewall.remove(overlays);
  };
  const { run, changes } = createRehearsal();
  await remove({ run });
  if (changes.size === 0) return { leftovers: [] };
  return { leftovers: [{ what: 'rules and chains', details: [...changes], delete: () => remove({}) }] };
}
