import type { Prefix } from '@flannel-ts/ip';
import type { ChainPlan } from './plan.ts';

/** A table's objects as `nft -j list table` prints them, without what differs between two equal tables. */
export interface Listing {
  /** Everything, in order. */
  readonly text: string;
  /** Rules by chain, in order. */
  readonly chains: ReadonlyMap<string, readonly string[]>;
}

interface ListedObject {
  readonly chain?: { readonly name: string };
  readonly rule?: { readonly chain: string };
}

/** Reads the output of `nft -j list table`. */
export function parseListing(output: string): Listing {
  const objects = (JSON.parse(output, withoutHandles) as { nftables: ListedObject[] }).nftables;
  const rules = objects.flatMap(({ rule }) => rule ?? []);
  return {
    text: JSON.stringify(objects),
    chains: new Map(
      objects
        .flatMap(({ chain }) => chain ?? [])
        .map(({ name }) => [
          name,
          rules.filter((rule) => rule.chain === name).map((rule) => JSON.stringify(rule)),
        ]),
    ),
  };
}

/** Whether a table that was read after it was made can be what was made: nobody came in between. */
export function fits({ chains }: Listing, plans: readonly ChainPlan[]): boolean {
  return (
    chains.size === plans.length &&
    plans.every(({ name, rules }) => chains.get(name)?.length === rules.length)
  );
}

/** Whether a rule matches exactly this prefix. */
export function namesNetwork({ text }: Listing, { network, length }: Prefix): boolean {
  return text.includes(JSON.stringify({ addr: network.toString(), len: length }).slice(1, -1));
}

/** `undefined`: nothing was made yet, or there is no table. */
export function describeDifference(expected: Listing | undefined, found: Listing | undefined): string[] {
  if (!found) return ['the table is missing'];
  if (!expected) return ['the table holds earlier rules'];
  const problems = [...new Set([...expected.chains.keys(), ...found.chains.keys()])].flatMap((name) => {
    const [desired, rules] = [expected.chains.get(name), found.chains.get(name)];
    if (!desired) return [`chain ${name} is unwanted`];
    if (!rules) return [`chain ${name} is missing`];
    if (desired.join() === rules.join()) return [];
    return [`chain ${name} has other rules, or its rules in another order`];
  });
  return problems.length > 0 ? problems : ['the table has other properties or objects'];
}

function withoutHandles(key: string, value: unknown): unknown {
  return key === 'handle' ? undefined : value;
}
