import type { FirewallEvent } from './events.ts';
import type { RunCommand } from './run-command.ts';
import type { WantedRules } from './wanted-rules.ts';

export interface FirewallComponents {
  /** Told what was mended and what failed. @default nobody */
  readonly onEvent?: (event: FirewallEvent) => void;
  /** Runs the tools. @default on this host, found in PATH */
  readonly run?: RunCommand;
}

export interface FirewallOptions {
  readonly tool: 'iptables' | 'nftables';
  /** Which of the two iptables that may be installed side by side. @default the one named `iptables` */
  readonly variant?: 'nft' | 'legacy';
  /** Milliseconds between compares with the kernel. @default 5000 */
  readonly resyncMs?: number;
}

/** The masquerade and forward rules of an overlay. Calls are carried out one after another. */
export interface Firewall extends AsyncDisposable {
  /**
   * Makes the rules those that are wanted, in one transaction per table and family, and keeps them so until
   * disposed; disposing leaves the rules. Rules of an earlier subnet go, also those that upstream's daemon or
   * the other tool left. A tool that fails is an event, and is tried again at every resync.
   * @throws {WantedRulesError}
   */
  apply(wanted: WantedRules): Promise<void>;

  /**
   * Removes every rule and chain of flannel, of both tools and families, and stops keeping them. A tool
   * that is not installed has left none.
   * @throws {FirewallToolError}
   */
  remove(): Promise<void>;
}
