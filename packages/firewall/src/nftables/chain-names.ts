import type { Prefix } from '@flannel-ts/ip';
import type { Ownership } from '../family-rules.ts';

const KINDS = ['forward', 'postrtg', 'premark', 'protect'] as const;

export type ChainKind = (typeof KINDS)[number];

/** Returns the name of a network's chain: `postrtg-10.5.0.0-16`, `postrtg-fc00__-48`. */
export function chainName(kind: ChainKind, network: Prefix): string {
  return `${kind}-${network.toString().replaceAll(':', '_').replace('/', '-')}`;
}

/** Returns the name of the chain that closes a bridge before there is a network. */
export function bridgeChainName(bridge: string): string {
  // A name of an interface may have characters that no name of nft has.
  return `protect-${bridge.replaceAll(/[^\w.-]/g, '_')}`;
}

/** Returns the names of all chains that a daemon may have made. */
export function chainNames({ networks, bridges }: Ownership): string[] {
  return [
    ...networks.flatMap((network) => KINDS.map((kind) => chainName(kind, network))),
    ...bridges.map(bridgeChainName),
  ];
}

/** Whether a chain has a name without a network, as those of upstream's daemon and of our first ones have. */
export function isUnnamed(name: string): boolean {
  return KINDS.some((kind) => kind === name);
}
