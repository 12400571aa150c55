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
  /** Packets to the port of a guarded tunnel were dropped. Reported at most once a minute for each source. */
  | { readonly kind: 'refused'; readonly refusals: readonly Refusal[] }
  /** The tool or the kernel refuses random source ports; masquerading goes on without them. */
  | { readonly kind: 'fully-random-unsupported'; readonly error: Error };

/** Packets of one source that the guard of a tunnel dropped since they were last reported. */
export interface Refusal {
  /**
   * `no-lease`: the source is no peer, and the packets were for this host; `other-interface`: they did not arrive
   * where those of hosts do, and were for a peer, or for this host in the name of one.
   */
  readonly reason: 'no-lease' | 'other-interface';
  readonly source: string;
  readonly packets: number;
}

/** Rules that are compared and repaired together. */
export interface RulePlace {
  readonly family: Family;
  /**
   * `nat`, `filter` or `raw` of iptables, `flannel-ipv4` or `flannel-ipv6` of nftables, `flannel-guard-10.5.0.0-16` of
   * a tunnel's guard.
   */
  readonly table: string;
  /** The chain of iptables, with the jump to it. Those of nftables are one place. */
  readonly chain?: string;
}

/** One thing that was wrong. */
export interface RuleProblem extends RulePlace {
  /** `FLANNEL-POSTRTG is missing` */
  readonly what: string;
}
