import type { Family } from '@flannel-ts/ip';
import { FirewallToolError } from '../errors.ts';
import type { MayRepair, RunProgram, Tool } from '../tool.ts';
import type { FamilyRules } from '../family-rules.ts';
import { describeDifference, fits, ownChains, parseListing, type Chains, type Listing } from './listing.ts';
import { deleteChains, deleteTable, planChains, replaceChains, tableOf, type ChainPlan } from './plan.ts';

/** What was put into a table, and how nft lists it. */
interface Made {
  readonly plans: string;
  readonly chains: Chains;
}

/**
 * nft: each family has a table, and each network has chains of its own in it, which are replaced whole. Versions of
 * nft list one rule in several ways, so what is compared is not the text that we wrote but what nft listed after we
 * wrote it.
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

  async function listOwn({ family, owned }: FamilyRules): Promise<Chains> {
    const listing = await list(family);
    return listing ? ownChains(listing, owned) : new Map();
  }

  async function keep(rules: FamilyRules, chains: readonly ChainPlan[], mayRepair: MayRepair) {
    const { family } = rules;
    const plans = JSON.stringify(chains);
    const before = made.get(family);
    const expected = before?.plans === plans ? before.chains : undefined;
    const found = await listOwn(rules);
    const problems = describeDifference(expected, found);
    if (problems.length === 0 || !mayRepair({ family, table: tableOf(family).name })) return [];
    await run(['nft', replaceChains(family, { old: [...found.keys()], chains })]);
    const listed = await listOwn(rules);
    if (fits(listed, chains)) made.set(family, { plans, chains: listed });
    else made.delete(family);
    return problems;
  }

  async function remove(rules: FamilyRules): Promise<string[]> {
    const { family, owned } = rules;
    made.delete(family);
    const listing = await list(family).catch((error: unknown) => {
      if (error instanceof FirewallToolError && error.problem === 'unsupported') return undefined;
      throw error;
    });
    if (!listing) return [];
    const names = [...ownChains(listing, owned).keys()];
    if (names.length === 0 && owned !== 'all') return [];
    const othersStay = owned !== 'all' && (listing.hasOthers || names.length < listing.chains.size);
    await run(['nft', othersStay ? deleteChains(family, names) : deleteTable(family)]);
    return names.map((name) => `chain ${name} is left over`);
  }

  return {
    async sync(rules, mayRepair) {
      const { family } = rules;
      const chains = planChains(rules);
      const problems = chains.length === 0 ? await remove(rules) : await keep(rules, chains, mayRepair);
      return problems.map((what) => ({ family, table: tableOf(family).name, what }));
    },
  };
}
