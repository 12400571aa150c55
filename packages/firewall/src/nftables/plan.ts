import type { Family } from '@flannel-ts/ip';
import { chainName } from './chain-names.ts';
import { multicast, type FamilyRules } from '../family-rules.ts';
import { ingressChains } from './plan-ingress.ts';

/** How nft names a family, and our table in it. */
export interface TableName {
  readonly family: 'ip' | 'ip6';
  readonly name: string;
}

/** One base chain with its rules, in nft's words. */
export interface ChainPlan {
  readonly name: string;
  /** Where the kernel calls it. */
  readonly hook: string;
  /** Marks every rule. */
  readonly comment: string;
  readonly rules: readonly string[];
}

export function tableOf(family: Family): TableName {
  return family === 4 ? { family: 'ip', name: 'flannel-ipv4' } : { family: 'ip6', name: 'flannel-ipv6' };
}

/** The chains of one family: the same decisions in the same order as the rules of iptables. */
export function planChains(rules: FamilyRules): ChainPlan[] {
  const { ingress } = rules;
  const ingressRules = ingress ? ingressChains(tableOf(rules.family).family, ingress) : [];
  return [...ingressRules, ...forwardChain(rules), ...masqueradeChain(rules)];
}

/** One transaction that puts chains in the place of others of the same table, which belong to the same daemon. */
export function replaceChains(
  family: Family,
  { old, chains }: { readonly old: readonly string[]; readonly chains: readonly ChainPlan[] },
): string {
  const table = `${tableOf(family).family} ${tableOf(family).name}`;
  return [
    ...old.map((name) => `delete chain ${table} ${name}`),
    `table ${table} {`,
    ...chains.flatMap(chainLines),
    '}',
    '',
  ].join('\n');
}

/** One transaction on one line. */
export function deleteChains(family: Family, names: readonly string[]): string {
  const { family: ip, name: table } = tableOf(family);
  return names.map((name) => `delete chain ${ip} ${table} ${name}`).join('; ');
}

export function deleteTable(family: Family): string {
  return `delete table ${tableOf(family).family} ${tableOf(family).name}`;
}

function masqueradeChain({ family, masquerade }: FamilyRules): ChainPlan[] {
  if (!masquerade) return [];
  const ip = tableOf(family).family;
  const network = masquerade.network.toString();
  const subnet = masquerade.subnet.toString();
  const target = `masquerade${masquerade.fullyRandom ? ' fully-random' : ''}`;
  return [
    {
      name: chainName('postrtg', masquerade.network),
      hook: 'type nat hook postrouting priority srcnat',
      comment: 'flanneld masq',
      rules: [
        'meta mark & 0x4000 == 0x4000 return',
        `${ip} saddr ${subnet} ${ip} daddr ${network} return`,
        `${ip} saddr ${network} ${ip} daddr ${subnet} return`,
        `${ip} saddr != ${network} ${ip} daddr ${subnet} return`,
        `${ip} saddr ${network} ${ip} daddr != ${multicast(family)} ${target}`,
        `${ip} saddr != ${network} ${ip} daddr ${network} ${target}`,
      ],
    },
  ];
}

function forwardChain({ family, forward }: FamilyRules): ChainPlan[] {
  if (!forward) return [];
  const ip = tableOf(family).family;
  return [
    {
      name: chainName('forward', forward),
      hook: 'type filter hook forward priority filter',
      comment: 'flanneld forward',
      rules: [`${ip} saddr ${forward.toString()} accept`, `${ip} daddr ${forward.toString()} accept`],
    },
  ];
}

function chainLines({ name, hook, comment, rules }: ChainPlan): string[] {
  return [
    `  chain ${name} {`,
    `    ${hook}; policy accept;`,
    ...rules.map((rule) => `    ${rule} comment "${comment}"`),
    '  }',
  ];
}
