import type { Family } from '@flannel-ts/ip';

/** What a firewall has to say to an operator. */
export type FirewallEvent =
  /** The rules were not what was desired, or an earlier attempt had failed; now they are. */
  | { readonly kind: 'repaired'; readonly problems: readonly RuleProblem[] }
  /**
   * What keeps the rules from being in place or from having their effect; nothing when everything is right
   * again. Reported on every change; each is tried again at every resync.
   */
  | { readonly kind: 'obstacles'; readonly obstacles: readonly Error[] }
  /** The tool or the kernel refuses random source ports; masquerading goes on without them. */
  | { readonly kind: 'fully-random-unsupported'; readonly error: Error };

/** One thing that was wrong. */
export interface RuleProblem {
  readonly family: Family;
  /** `nat`, `filter` or `raw` of iptables, `flannel-ipv4` or `flannel-ipv6` of nftables. */
  readonly table: string;
  /** `chain FLANNEL-POSTRTG is missing` */
  readonly what: string;
}
