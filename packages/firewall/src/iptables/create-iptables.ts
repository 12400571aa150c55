import type { Family } from '@flannel-ts/ip';
import { FirewallToolError } from '../errors.ts';
import type { FirewallOptions } from '../firewall.ts';
import type { RunProgram, Tool } from '../tool.ts';
import { compareChain, restoreTable } from './compare.ts';
import { planChains, type ChainPlan } from './plan.ts';
import { parseSavedTable, type SavedTable } from './saved-table.ts';

/** Seconds that a change waits for other programs that hold the lock of iptables. */
const LOCK_WAIT_SECONDS = 5;

/** iptables and ip6tables: one transaction of `iptables-restore` per table. */
export function createIptables(run: RunProgram, variant: FirewallOptions['variant']): Tool {
  function program(family: Family, action: 'save' | 'restore'): string {
    return [family === 4 ? 'iptables' : 'ip6tables', variant, action].filter(Boolean).join('-');
  }

  /** `undefined` when the kernel has no such table, and nothing is wanted in it. */
  async function readTable(family: Family, { table, rules }: ChainPlan): Promise<SavedTable | undefined> {
    try {
      return parseSavedTable(await run([program(family, 'save'), '-t', table]));
    } catch (error) {
      if (!rules && error instanceof FirewallToolError && error.problem === 'unsupported') return undefined;
      throw error;
    }
  }

  return {
    async sync(rules, scope) {
      const { family } = rules;
      const plans = planChains(rules).filter((plan) => scope === 'all' || plan.rules);
      const tables = await Promise.all(plans.map((plan) => readTable(family, plan)));
      const differences = plans.flatMap((plan, index) => {
        const saved = tables[index];
        return saved ? [{ table: plan.table, ...compareChain(plan, saved) }] : [];
      });
      const wrong = differences.filter(({ problems }) => problems.length > 0);
      if (wrong.length > 0) {
        const input = wrong.map(({ table, lines }) => restoreTable(table, lines)).join('');
        await run([program(family, 'restore'), '--noflush', `--wait=${LOCK_WAIT_SECONDS}`], input);
      }
      return wrong.flatMap(({ table, problems }) => problems.map((what) => ({ family, table, what })));
    },
  };
}
