import type { Prefix } from '@flannel-ts/ip';
import type { FamilyRules } from '../family-rules.ts';
import { chainNames, isUnnamed } from './chain-names.ts';
import type { ChainPlan } from './plan.ts';

/** A table as `nft -j list table` prints it, without what differs between two equal ones. */
export interface Listing {
  readonly chains: Chains;
  /** Whether it holds something besides chains and their rules. */
  readonly hasOthers: boolean;
}

/** Chains by name. */
export type Chains = ReadonlyMap<string, ListedChain>;

export interface ListedChain {
  /** Its hook, priority and policy. */
  readonly properties: string;
  /** In order. */
  readonly rules: readonly string[];
}

interface ListedObject {
  readonly metainfo?: object;
  readonly table?: object;
  readonly chain?: { readonly name: string };
  readonly rule?: { readonly chain: string };
}

/** Reads the output of `nft -j list table`. */
export function parseListing(output: string): Listing {
  const objects = (JSON.parse(output, withoutHandles) as { nftables: ListedObject[] }).nftables;
  const rules = Map.groupBy(
    objects.flatMap(({ rule }) => rule ?? []),
    ({ chain }) => chain,
  );
  const chains = objects.flatMap(({ chain }) => chain ?? []);
  return {
    chains: new Map(
      chains.map((chain) => [
        chain.name,
        {
          properties: JSON.stringify(chain),
          rules: (rules.get(chain.name) ?? []).map((rule) => JSON.stringify(rule)),
        },
      ]),
    ),
    hasOthers: objects.some(({ metainfo, table, chain, rule }) => !(metainfo ?? table ?? chain ?? rule)),
  };
}

/**
 * Returns the chains of one daemon. One that is not named after a network belongs to the daemon of the network that
 * its rules name.
 */
export function ownChains({ chains }: Listing, owned: FamilyRules['owned']): Chains {
  if (owned === 'all') return chains;
  const names = new Set(chainNames(owned));
  return new Map(
    [...chains].filter(
      ([name, chain]) =>
        names.has(name) ||
        (isUnnamed(name) && owned.networks.some((network) => namesNetwork(chain, network))),
    ),
  );
}

/** Whether chains that were read after they were made can be what was made: no one came in between. */
export function fits(chains: Chains, plans: readonly ChainPlan[]): boolean {
  return (
    chains.size === plans.length &&
    plans.every(({ name, rules }) => chains.get(name)?.rules.length === rules.length)
  );
}

/** Whether a rule matches exactly this prefix. */
function namesNetwork({ rules }: ListedChain, { network, length }: Prefix): boolean {
  const address = JSON.stringify({ addr: network.toString(), len: length }).slice(1, -1);
  return rules.some((rule) => rule.includes(address));
}

/** @param expected - what was listed after the chains were made; `undefined`: nothing was made yet */
export function describeDifference(expected: Chains | undefined, found: Chains): string[] {
  if (!expected)
    return found.size === 0
      ? ['the chains are missing']
      : [...found.keys()].map((name) => `chain ${name} holds earlier rules`);
  return [...new Set([...expected.keys(), ...found.keys()])].flatMap((name) => {
    const [desired, actual] = [expected.get(name), found.get(name)];
    if (!desired) return [`chain ${name} is unwanted`];
    if (!actual) return [`chain ${name} is missing`];
    if (desired.properties !== actual.properties) return [`chain ${name} has other properties`];
    if (desired.rules.join() === actual.rules.join()) return [];
    return [`chain ${name} has other rules, or its rules in another order`];
  });
}

function withoutHandles(key: string, value: unknown): unknown {
  return key === 'handle' ? undefined : value;
}
