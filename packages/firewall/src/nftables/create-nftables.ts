import type { Family } from '@flannel-ts/ip';
import { FirewallToolError } from '../errors.ts';
import type { RunProgram, Tool } from '../tool.ts';
import { isEmpty, type FamilyRules } from '../family-rules.ts';
import { describeDifference, fits, namesNetwork, parseListing, type Listing } from './listing.ts';
import { deleteTable, planChains, replaceTable, tableOf } from './plan.ts';

/** What was put into a table, and how nft lists it. */
interface Made {
  readonly ruleset: string;
  readonly listing: Listing;
}

/**
 * nft: each family has a table of its own, which is replaced whole. Versions of nft list one rule in several
 * ways, so what is compared is not the text that we wrote but what nft listed after we wrote it.
 */
export function createNftables(run: RunProgram): Tool {
  const made = new Map<Family, Made>();

  /** `undefined` when there is no such table. */
  async function list(family: Family): Promise<Listing | undefined> {
    const { family: ip, name } = tableOf(family);
    try {
      return parseListing(await run(['nft', '-j', 'list', 'table', ip, name]));
    } catch (error) {
      if (error instanceof FirewallToolError && /no such file or directory/i.test(error.output))
        return undefined;
      throw error;
    }
  }

  async function keep(rules: FamilyRules): Promise<string[]> {
    const { family } = rules;
    const chains = planChains(rules);
    const ruleset = replaceTable(family, chains);
    const before = made.get(family);
    const expected = before?.ruleset === ruleset ? before.listing : undefined;
    const found = await list(family);
    if (expected && found?.text === expected.text) return [];
    await run(['nft', ruleset]);
    const listing = await list(family);
    if (listing && fits(listing, chains)) made.set(family, { ruleset, listing });
    else made.delete(family);
    return describeDifference(expected, found);
  }

  /** A table that was not made here and names no network of ours belongs to the daemon of another one. */
  async function remove({ family, owned }: FamilyRules): Promise<string[]> {
    const madeHere = made.delete(family);
    const found = await list(family).catch((error: unknown) => {
      if (error instanceof FirewallToolError && error.problem === 'unsupported') return undefined;
      throw error;
    });
    if (!found) return [];
    if (!madeHere && owned !== 'all' && !owned.some((network) => namesNetwork(found, network))) return [];
    await run(['nft', deleteTable(family)]);
    return ['the table is left over'];
  }

  return {
    async sync(rules) {
      const { family } = rules;
      const problems = isEmpty(rules) ? await remove(rules) : await keep(rules);
      return problems.map((what) => ({ family, table: tableOf(family).name, what }));
    },
  };
}
