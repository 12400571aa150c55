import type { Namespace } from '@flannel-ts/lab';

/** The rules of upstream's daemon in a host's network namespace, in the words of the compatibility contract. */
export interface UpstreamRules {
  /**
   * Does what upstream does at its start and every 5 s: when any of its rules is missing, it deletes its own
   * one by one and appends all of them. Returns whether it did.
   */
  resync(): Promise<boolean>;
  /** Each rule that upstream looks for, as arguments of `iptables -C`. */
  readonly rules: readonly (readonly string[])[];
}

interface UpstreamOptions {
  readonly variant: 'nft' | 'legacy';
  readonly network: string;
  readonly subnet: string;
}

export function createUpstreamRules(
  host: Namespace,
  { variant, network, subnet }: UpstreamOptions,
): UpstreamRules {
  const rules = [
    ...masqueradeRules(network, subnet).map((rule) => ['nat', ...rule.split(' '), ...comment('masq')]),
    ...forwardRules(network).map((rule) => ['filter', ...rule.split(' '), ...comment('forward')]),
  ].map(([table, chain, ...rule]) => [table!, chain!, ...rule]);
  const change = (action: string, [table, chain, ...rule]: readonly string[]) =>
    host.run(`iptables-${variant}`, '-w', '5', '-t', table!, action, chain!, ...rule);
  const isThere = (rule: readonly string[]) =>
    change('-C', rule).then(
      () => true,
      () => false,
    );
  return {
    rules,
    async resync() {
      await change('-N', ['nat', 'FLANNEL-POSTRTG']).catch(() => undefined);
      await change('-N', ['filter', 'FLANNEL-FWD']).catch(() => undefined);
      const there: boolean[] = [];
      for (const rule of rules) there.push(await isThere(rule));
      if (there.every(Boolean)) return false;
      for (const [index, rule] of rules.entries()) if (there[index]) await change('-D', rule);
      for (const rule of rules) await change('-A', rule);
      return true;
    },
  };
}

/** What upstream with EnableNFTables does, once: it empties its two chains and fills them. */
export function upstreamNftables({ network, subnet }: Omit<UpstreamOptions, 'variant'>): string {
  return `table ip flannel-ipv4 {
  chain forward { type filter hook forward priority filter; }
  chain postrtg { type nat hook postrouting priority srcnat; }
}
flush chain ip flannel-ipv4 forward
flush chain ip flannel-ipv4 postrtg
table ip flannel-ipv4 {
  chain forward {
    ip saddr ${network} accept comment "flanneld forward"
    ip daddr ${network} accept comment "flanneld forward"
  }
  chain postrtg {
    meta mark 0x4000 return comment "flanneld masq"
    ip saddr ${subnet} ip daddr ${network} return comment "flanneld masq"
    ip saddr ${network} ip daddr ${subnet} return comment "flanneld masq"
    ip saddr ${network} ip daddr != 224.0.0.0/4 masquerade fully-random comment "flanneld masq"
  }
}`;
}

function masqueradeRules(network: string, subnet: string): string[] {
  return [
    'POSTROUTING -j FLANNEL-POSTRTG',
    'FLANNEL-POSTRTG -m mark --mark 0x4000/0x4000 -j RETURN',
    `FLANNEL-POSTRTG -s ${subnet} -d ${network} -j RETURN`,
    `FLANNEL-POSTRTG -s ${network} -d ${subnet} -j RETURN`,
    `FLANNEL-POSTRTG ! -s ${network} -d ${subnet} -j RETURN`,
    `FLANNEL-POSTRTG -s ${network} ! -d 224.0.0.0/4 -j MASQUERADE --random-fully`,
    `FLANNEL-POSTRTG ! -s ${network} -d ${network} -j MASQUERADE --random-fully`,
  ];
}

function forwardRules(network: string): string[] {
  return [
    'FORWARD -j FLANNEL-FWD',
    `FLANNEL-FWD -s ${network} -j ACCEPT`,
    `FLANNEL-FWD -d ${network} -j ACCEPT`,
  ];
}

function comment(what: string): string[] {
  return ['-m', 'comment', '--comment', `flanneld ${what}`];
}
