import type { Family } from '@flannel-ts/ip';

/** What a firewall reports to an operator. */
export type FirewallEvent =
  /**
   * The rules were not what was desired, or an earlier attempt had failed; now they are. Rules that another program
   * keeps changing are an obstacle instead.
   */
  | { readonly kind: 'repaired'; readonly problems: readonly RuleProblem[] }
  /**
   * What keeps the rules from being in place or from having their effect; nothing when everything is right
   * again. Reported on every change; each is tried again at every resync.
   */
  | { readonly kind: 'obstacles'; readonly obstacles: readonly Error[] }
  /** The tool or the kernel refuses random source ports; masquerading goes on without them. */
  | { readonly kind: 'fully-random-unsupported'; readonly error: Error };

/** Rules that are compared and repaired together. */
export interface RulePlace {
  readonly family: Family;
  /** `nat`, `filter` or `raw` of iptables, `flannel-ipv4` or `flannel-ipv6` of nftables. */
  readonly table: string;
  /** The chain of iptables, with the jump to it. Those of nftables are one place. */
  readonly chain?: string;
}

/** One thing that was wrong. */
export interface RuleProblem extends RulePlace {
  /** `FLANNEL-POSTRTG is missing` */
  readonly what: string;
}
