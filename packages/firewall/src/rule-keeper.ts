import { FirewallToolError } from './errors.ts';
import type { RuleProblem } from './events.ts';
import type { FirewallOptions } from './firewall.ts';
import { createIptables } from './iptables/create-iptables.ts';
import { createNftables } from './nftables/create-nftables.ts';
import type { MayRepair, RunProgram, Tool } from './tool.ts';
import { isEmpty, type FamilyRules } from './family-rules.ts';

/** The tools together: the chosen one keeps the rules, the other keeps what the first cannot, or nothing. */
export interface RuleKeeper {
  /** Brings one family in step, as {@link Tool.sync}. @throws {FirewallToolError} */
  sync(rules: FamilyRules, mayRepair: MayRepair): Promise<readonly RuleProblem[]>;
  /** Removes rules of both tools and of every variant that is installed. @throws {FirewallToolError} */
  remove(rules: FamilyRules): Promise<void>;
}

/** @param onFullyRandomRefused - called once, when random source ports are given up */
export function createRuleKeeper(
  run: RunProgram,
  options: FirewallOptions,
  onFullyRandomRefused: (error: Error) => void,
): RuleKeeper {
  const { variant } = options;
  const nftables = createNftables(run);
  const iptables = createIptables(run, { variant, companion: options.tool === 'nftables' });
  const tool = options.tool === 'iptables' ? iptables : nftables;
  /** What was in step once, so that nothing of the other tool is left; without rules, nothing is looked for again. */
  let settled = new Set<FamilyRules>();
  let fullyRandom = true;

  /** A refused change is tried without random source ports, which old tools and kernels refuse. */
  async function put(rules: FamilyRules, mayRepair: MayRepair): Promise<readonly RuleProblem[]> {
    const possible = fullyRandom ? rules : withoutFullyRandom(rules);
    try {
      return await syncTwice(tool, possible, mayRepair);
    } catch (error) {
      if (!isRefusal(error) || !possible.masquerade?.fullyRandom) throw error;
      const problems = await tool.sync(withoutFullyRandom(rules), mayRepair);
      fullyRandom = false;
      onFullyRandomRefused(error);
      return problems;
    }
  }

  return {
    /** The new rules come before the other tool's go, so that no packet passes between them. */
    async sync(rules, mayRepair) {
      const known = settled.has(rules);
      if (known && isEmpty(rules)) return [];
      const problems = isEmpty(rules) ? await clear(tool, rules) : await put(rules, mayRepair);
      const companion = tool === nftables ? await unlessMissing(syncTwice(iptables, rules, mayRepair)) : [];
      if (!known && tool === iptables) await clear(nftables, rules);
      settled.add(rules);
      return [...problems, ...companion];
    },
    async remove({ family, owned }) {
      settled = new Set();
      const nothing = { family, owned };
      await clear(nftables, nothing);
      for (const each of [variant, 'nft', 'legacy'] as const)
        await clear(createIptables(run, { variant: each }), nothing);
    },
  };
}

/** Removes what a tool may have left in a family. A tool that is not installed has left nothing. */
async function clear(tool: Tool, { family, owned }: FamilyRules): Promise<readonly RuleProblem[]> {
  return unlessMissing(syncTwice(tool, { family, owned }, () => true));
}

/** A refused change is tried a second time, since another process may have changed the rules after they were read. */
async function syncTwice(
  tool: Tool,
  rules: FamilyRules,
  mayRepair: MayRepair,
): Promise<readonly RuleProblem[]> {
  return tool.sync(rules, mayRepair).catch((error: unknown) => {
    if (!isRefusal(error)) throw error;
    return tool.sync(rules, mayRepair);
  });
}

async function unlessMissing(sync: Promise<readonly RuleProblem[]>): Promise<readonly RuleProblem[]> {
  return sync.catch((error: unknown) => {
    if (error instanceof FirewallToolError && error.problem === 'missing') return [];
    throw error;
  });
}

function withoutFullyRandom(rules: FamilyRules): FamilyRules {
  return { ...rules, masquerade: rules.masquerade && { ...rules.masquerade, fullyRandom: false } };
}

function isRefusal(error: unknown): error is FirewallToolError {
  return error instanceof FirewallToolError && error.problem === 'refused';
}
