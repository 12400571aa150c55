import { createNamespace, type Namespace } from '@flannel-ts/lab';
import type { FirewallOptions } from '../../src/index.ts';

/** One of the three ways to the kernel's packet filter. */
export interface ToolUnderTest {
  readonly name: string;
  readonly options: FirewallOptions;
  /** Why this machine cannot run it. */
  readonly missing: string | undefined;
  /** All rules of a host in the tool's own text, without what changes by itself. */
  dump(host: Namespace): Promise<string>;
  /** What of a dump is not flannel's. */
  withoutOurs(dump: string): string;
}

export const iptablesNft = await probe({
  name: 'iptables-nft',
  options: { tool: 'iptables', variant: 'nft' },
  dump: dumpIptables('nft'),
  withoutOurs: withoutOurChains,
});
export const iptablesLegacy = await probe({
  name: 'iptables-legacy',
  options: { tool: 'iptables', variant: 'legacy' },
  dump: dumpIptables('legacy'),
  withoutOurs: withoutOurChains,
});
export const nftables = await probe({
  name: 'nftables',
  options: { tool: 'nftables', variant: 'nft' },
  dump: async (host) =>
    splitTables(await host.run('nft', 'list', 'ruleset'))
      .sort()
      .join('')
      .replaceAll(/\n+/g, '\n'),
  withoutOurs: (dump) =>
    splitTables(dump)
      .filter((table) => !/^table ip6? flannel-ipv[46] /.test(table))
      .join('')
      .replaceAll(/\tchain FLANNEL-.*\n(?:\t\t.*\n)*\t\}\n|.*jump FLANNEL-.*\n/g, ''),
});

/** Prints what is missing for a tool that the tests then skip. */
async function probe(tool: Omit<ToolUnderTest, 'missing'>): Promise<ToolUnderTest> {
  await using host = await createNamespace(`ftlab-${process.pid}-probe-${tool.name}`);
  const missing = await tool.dump(host).then(
    () => undefined,
    (error: unknown) => (error as Error).message,
  );
  if (missing !== undefined) console.warn(`${tool.name} is not tested: ${missing}`);
  return { ...tool, missing };
}

function splitTables(ruleset: string): string[] {
  return ruleset.split(/^(?=table )/m);
}

function withoutOurChains(dump: string): string {
  return dump.replaceAll(/^.*\bFLANNEL-(?:POSTRTG|FWD|INGRESS|RAW)\b.*\n/gm, '');
}

function dumpIptables(variant: 'nft' | 'legacy'): ToolUnderTest['dump'] {
  return async (host) => {
    const texts = [];
    for (const program of ['iptables', 'ip6tables']) {
      for (const table of ['nat', 'filter', 'raw']) {
        texts.push(`${program}\n${await host.run(`${program}-${variant}-save`, '-t', table)}`);
      }
    }
    return texts
      .join('')
      .replaceAll(/^#.*\n/gm, '')
      .replaceAll(/\[\d+:\d+\]/g, '[0:0]');
  };
}
