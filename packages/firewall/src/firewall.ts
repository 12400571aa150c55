import type { Prefix } from '@flannel-ts/ip';
import type { NetlinkPort, NetlinkPortOptions } from '@flannel-ts/native';
import type { FirewallEvent } from './events.ts';
import type { RunCommand } from './run-command.ts';
import type { Overlay, DesiredRules, TunnelPeersChange } from './desired-rules.ts';

export interface FirewallComponents {
  /** Called with what was repaired and what failed; what it throws is an obstacle. @default no one */
  readonly onEvent?: (event: FirewallEvent) => void;
  /** Runs the tools. @default on this host, found in PATH */
  readonly run?: RunCommand;
  /**
   * Opens the netlink socket by which the kernel reports changes of its rules: `openNetlinkPort` of
   * `@flannel-ts/native`. Without it, and where the kernel reports none (iptables-legacy), a change is noticed
   * at the next resync. @default none
   */
  readonly openPort?: (options: NetlinkPortOptions) => NetlinkPort;
  /** Uniform in 0 to 1, for the time between repairs that another program undoes. @default Math.random */
  readonly random?: () => number;
}

export interface FirewallOptions {
  readonly tool: 'iptables' | 'nftables';
  /** Which of the two iptables that may be installed side by side. @default the one named `iptables` */
  readonly variant?: 'nft' | 'legacy';
  /** Milliseconds between compares with the kernel. @default 5000 */
  readonly resyncMs?: number;
  /** Networks that an earlier run served, whose rules go with the first {@link Firewall.apply}. @default none */
  readonly former?: readonly Prefix[];
}

/** The masquerade and forward rules of an overlay, and the guard of its tunnel. Calls are carried out one after another. */
export interface Firewall extends AsyncDisposable {
  /**
   * Makes the rules those that are desired, in one transaction per table and family, and keeps them so until
   * disposed; disposing leaves the rules. Rules of an earlier subnet or network go, also those that upstream's
   * daemon or the other tool left; rules of other networks' daemons stay. What fails is an event, and is tried
   * again at every resync.
   * @throws {DesiredRulesError}
   */
  apply(rules: DesiredRules): Promise<void>;

  /**
   * Changes the peers of {@link DesiredRules.tunnel}, at a cost that is proportional to the change. Does nothing when no
   * tunnel is guarded. Changes that come while another is carried out are carried out together.
   */
  updatePeers(change: TunnelPeersChange): Promise<void>;

  /**
   * Removes the rules of these networks, of both tools, variants and families, with the chains that are then
   * empty, and stops keeping rules. A tool that is not installed has left none.
   * @param overlays - @default those of every network
   * @throws {FirewallToolError}
   */
  remove(overlays?: readonly Pick<Overlay, 'network'>[]): Promise<void>;
}
