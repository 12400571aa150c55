import type { Family } from '@flannel-ts/ip';
import { FirewallToolError } from '../errors.ts';
import type { RunProgram, Tool } from '../tool.ts';
import { isEmpty, type FamilyRules } from '../family-rules.ts';
import { compareChain, restoreTable } from './compare.ts';
import { drops, hasDockerUser } from './docker.ts';
import { planChains, type TableName } from './plan.ts';
import { parseSavedTables } from './saved-table.ts';

/** Seconds that a change waits for other programs that hold the lock of iptables. */
const LOCK_WAIT_SECONDS = 5;

export interface IptablesOptions {
  /** Which of the two iptables that may be installed side by side. @default the one named `iptables` */
  readonly variant?: 'nft' | 'legacy' | undefined;
  /** Stands beside nftables: keeps forward rules only where iptables drops what they accept, and masquerades nothing. */
  readonly companion?: boolean;
}

/** Legacy kernels may lack the raw table; then there are no drops of others in it, either. */
const TABLES: readonly TableName[] = ['nat', 'filter', 'raw'];

/** iptables and ip6tables: one transaction of `iptables-restore` per table. */
export function createIptables(run: RunProgram, { variant, companion = false }: IptablesOptions): Tool {
  let tables = TABLES;

  function program(family: Family, action: 'save' | 'restore'): string {
    return [family === 4 ? 'iptables' : 'ip6tables', variant, action].filter(Boolean).join('-');
  }

  /** `undefined` when the kernel has no such family, and nothing is desired in it. */
  async function save(rules: FamilyRules): Promise<ReturnType<typeof parseSavedTables> | undefined> {
    try {
      return parseSavedTables(await run([program(rules.family, 'save')]));
    } catch (error) {
      const unsupported = error instanceof FirewallToolError && error.problem === 'unsupported';
      if (unsupported && (companion || isEmpty(rules))) return undefined;
      throw error;
    }
  }

  /** The change of one table, or of none. */
  async function restore(family: Family, changes: readonly TableChange[]): Promise<void> {
    if (changes.length === 0) return;
    const input = changes.map(({ table, lines }) => restoreTable(table, lines)).join('');
    try {
      await run([program(family, 'restore'), '--noflush', `--wait=${LOCK_WAIT_SECONDS}`], input);
    } catch (error) {
      const unsupported = error instanceof FirewallToolError && error.problem === 'unsupported';
      if (!unsupported || changes.at(-1)?.table !== 'raw') throw error;
      await restore(family, changes.slice(0, -1));
      tables = tables.filter((table) => table !== 'raw');
    }
  }

  return {
    async sync(rules, mayRepair) {
      const { family } = rules;
      const saved = await save(rules);
      if (!saved) return [];
      const desired = companion ? companionRules(rules, saved) : rules;
      const plans = planChains(desired, hasDockerUser(saved('filter')));
      const differences = plans.flatMap(({ chain, table }, at) => {
        const difference = compareChain(plans[at]!, saved(table));
        const place = { family, table, chain };
        return difference.problems.length > 0 && mayRepair(place) ? [{ place, ...difference }] : [];
      });
      const changes = tables.flatMap((table): TableChange[] => {
        const lines = differences.flatMap(({ place, lines }) => (place.table === table ? lines : []));
        return lines.length > 0 ? [{ table, lines }] : [];
      });
      await restore(family, changes);
      return differences
        .filter(({ place }) => tables.includes(place.table))
        .flatMap(({ place, problems }) => problems.map((what) => ({ ...place, what })));
    },
  };
}

interface TableChange {
  readonly table: TableName;
  readonly lines: readonly string[];
}

function companionRules(rules: FamilyRules, saved: ReturnType<typeof parseSavedTables>): FamilyRules {
  const { family, owned } = rules;
  return drops(rules, saved) ? { ...rules, masquerade: undefined } : { family, owned };
}
