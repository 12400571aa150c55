import type { Prefix } from '@flannel-ts/ip';
import type { DesiredRules, TunnelPeersChange } from '../desired-rules.ts';
import type { Refusal, RuleProblem } from '../events.ts';
import type { MayRepair } from '../tool.ts';

/**
 * Keeps the table that guards a tunnel. It is one of nftables, whatever the other rules are made by: a drop there is
 * final, beside iptables of either variant, too.
 */
export interface Guard {
  /** Whether a tunnel is to be guarded. */
  readonly active: boolean;
  /**
   * Replaces what is desired.
   * @param owned - networks whose tables are ours: those that are not desired go
   */
  desire(rules: Pick<DesiredRules, 'overlays' | 'tunnel'>, owned: readonly Prefix[]): void;
  /** Brings the kernel in step with the tunnel that is desired, if any. @throws {UnguardedTunnelError} */
  sync(
    mayRepair: MayRepair,
  ): Promise<{ readonly problems: readonly RuleProblem[]; readonly refusals: readonly Refusal[] }>;
  /** Removes our tables that are not desired, once. @throws {FirewallToolError} */
  clear(): Promise<void>;
  /** Changes the peers, one change after the other, in one transaction. @throws {FirewallToolError} */
  updatePeers(changes: readonly TunnelPeersChange[]): Promise<void>;
  /** Removes the tables of these networks. @throws {FirewallToolError} */
  remove(networks: readonly Prefix[] | 'all'): Promise<void>;
}
