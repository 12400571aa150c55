/**
 * The masquerade and forward rules of an overlay network and the guard of its tunnel: desired rules in, kernel in
 * step, by iptables (legacy and nft) or nftables.
 *
 * @packageDocumentation
 */
export { createFirewall } from './create-firewall.ts';
export { FirewallToolError, type FirewallToolProblem } from './errors.ts';
export type { FirewallEvent, Refusal, RuleProblem } from './events.ts';
export { ObstacleError } from './obstacles.ts';
export { UnguardedTunnelError } from './guard/errors.ts';
export type { Firewall, FirewallComponents, FirewallOptions } from './firewall.ts';
export type { CommandOutcome, RunCommand } from './run-command.ts';
export {
  DesiredRulesError,
  type GuardedTunnel,
  type Masquerade,
  type Overlay,
  type PacketMark,
  type DesiredRules,
  type TunnelPeersChange,
} from './desired-rules.ts';
