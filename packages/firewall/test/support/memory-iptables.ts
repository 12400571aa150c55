import type { RunCommand } from '../../src/index.ts';
import { createTableModel, type TableModel } from './table-model.ts';

/** iptables and ip6tables without a kernel, for tests of hours that pass in no time. */
export interface MemoryIptables {
  readonly run: RunCommand;
  /** Tables of IPv4. */
  readonly tables: ReadonlyMap<string, TableModel>;
  /** Inputs of `iptables-restore`, of both families. */
  readonly restored: readonly string[];
}

/** @param afterRestore - called after each change, as another program that sees it */
export function createMemoryIptables(afterRestore: () => void = () => undefined): MemoryIptables {
  const families = { iptables: createTables(), ip6tables: createTables() };
  const restored: string[] = [];
  return {
    tables: families.iptables,
    restored,
    run([program = '', ...args], { input = '' }) {
      const tables = program.startsWith('ip6') ? families.ip6tables : families.iptables;
      if (args.at(-1) === 'tables')
        return Promise.resolve({ exitCode: 0, stdout: '{"nftables": []}', stderr: '' });
      if (program === 'nft')
        return Promise.resolve({ exitCode: 1, stdout: '', stderr: 'No such file or directory' });
      if (program.endsWith('-save'))
        return Promise.resolve({ exitCode: 0, stdout: save(tables), stderr: '' });
      for (const [text, table] of input.matchAll(/^\*(\w+)\n[^]*?^COMMIT\n/gm))
        tables.get(table!)!.restore(text);
      restored.push(input);
      afterRestore();
      return Promise.resolve({ exitCode: 0, stdout: '', stderr: '' });
    },
  };
}

function createTables(): ReadonlyMap<string, TableModel> {
  return new Map(['nat', 'filter', 'raw'].map((name) => [name, createTableModel(new Map())]));
}

function save(tables: ReadonlyMap<string, TableModel>): string {
  return [...tables].map(([name, table]) => `*${name}\n${table.save()}`).join('');
}
