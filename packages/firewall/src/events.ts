import type { Family } from '@flannel-ts/ip';

/** What a firewall has to say to an operator. */
export type FirewallEvent =
  /** The rules were not what was wanted, or an earlier attempt had failed; now they are. */
  | { readonly kind: 'mended'; readonly problems: readonly RuleProblem[] }
  /** Something failed, for the first time in a row; it is tried again at every resync. */
  | { readonly kind: 'failed'; readonly error: Error }
  /** The tool or the kernel refuses random source ports; masquerading goes on without them. */
  | { readonly kind: 'fully-random-unsupported'; readonly error: Error };

/** One thing that was wrong. */
export interface RuleProblem {
  readonly family: Family;
  /** `nat` or `filter` of iptables, `flannel-ipv4` or `flannel-ipv6` of nftables. */
  readonly table: string;
  /** `chain FLANNEL-POSTRTG is missing` */
  readonly what: string;
}
