import { isAnywhere, type Ingress } from '../family-rules.ts';
import { bridgeChainName, chainName } from './chain-names.ts';
import type { ChainPlan } from './plan.ts';

const COMMENT = 'flanneld ingress';

/** The chains in front of other programs' for packets to this host's subnet. */
export function ingressChains(ip: 'ip' | 'ip6', ingress: Ingress): ChainPlan[] {
  return [...markChain(ip, ingress), ...protectChain(ip, ingress)];
}

/** Docker's nftables rules accept the mark in their forward chain, and nothing else that we could do. */
function markChain(ip: string, ingress: Ingress): ChainPlan[] {
  const { mark, accept } = ingress;
  const matches = accept && mark ? fromOverlay(ip, ingress) : [];
  if (!mark || matches.length === 0) return [];
  const others = hex(~mark.mask >>> 0);
  return [
    {
      name: chainName('premark', ingress.network),
      hook: 'type filter hook prerouting priority raw',
      comment: COMMENT,
      rules: matches.map((match) => `${match} meta mark set meta mark & ${others} | ${hex(mark.value)}`),
    },
  ];
}

function protectChain(ip: string, ingress: Ingress): ChainPlan[] {
  const { protect, subnet, network } = ingress;
  if (!protect) return [];
  return [
    {
      name: isAnywhere(network) ? bridgeChainName(protect) : chainName('protect', network),
      hook: 'type filter hook forward priority filter - 1',
      comment: COMMENT,
      rules: [
        ...fromOverlay(ip, ingress).map((match) => `${match} accept`),
        'ct state established,related accept',
        'ct status dnat accept',
        `${isAnywhere(subnet) ? '' : `${ip} daddr ${subnet.toString()} `}iifname != "${protect}" oifname "${protect}" drop`,
      ],
    },
  ];
}

/** What arrives from other hosts' containers. */
function fromOverlay(ip: string, { subnet, sources }: Ingress): string[] {
  return sources.map(({ interface: name, from }) => {
    const source = from.length === 1 ? from[0]!.toString() : `{ ${from.join(', ')} }`;
    return `${ip} saddr ${source} ${ip} daddr ${subnet.toString()} iifname "${name}"`;
  });
}

function hex(bits: number): string {
  return `0x${bits.toString(16)}`;
}
