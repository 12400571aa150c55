import type { Prefix } from '@flannel-ts/ip';
import type { GuardedTunnel } from '../desired-rules.ts';
import { FirewallToolError } from '../errors.ts';
import type { Refusal } from '../events.ts';
import type { MayRepair, RunProgram } from '../tool.ts';
import { describeDifference } from './difference.ts';
import { UnguardedTunnelError } from './errors.ts';
import type { Guard } from './guard.ts';
import { parseGuard, parseTables, type GuardListing } from './listing.ts';
import { mergeChanges } from './merge-changes.ts';
import {
  changePeers,
  deleteTable,
  guardName,
  isGuardName,
  replaceTable,
  tableText,
  type GuardPlan,
  type GuardTable,
} from './plan.ts';
import { createRefusalLog } from './refusals.ts';

interface Desired {
  readonly tunnel: GuardedTunnel;
  readonly plan: GuardPlan;
  readonly peers: Set<string>;
}

/** @param now - milliseconds of a clock that does not go back */
export function createGuard(run: RunProgram, now: () => number): Guard {
  const refusalLog = createRefusalLog(now);
  let desired: Desired | undefined;
  let owned: readonly Prefix[] = [];
  /** What nft listed after the table was made, which versions of nft do in several ways. */
  let made: { readonly plan: string; readonly structure: string } | undefined;
  /** Whether tables that are not desired are gone. */
  let cleared = false;

  /** `undefined` when there is no such table. */
  async function list(table: GuardTable): Promise<GuardListing | undefined> {
    try {
      return parseGuard(await run(['nft', '-j', 'list', 'table', ...tableText(table).split(' ')]));
    } catch (error) {
      if (isAbsent(error)) return undefined;
      throw error;
    }
  }

  async function keep({ plan, peers }: Desired, mayRepair: MayRepair) {
    // A new host may send before its lease is known here.
    const isNews = ({ reason, source }: Refusal) => reason !== 'no-lease' || !peers.has(source);
    const { family, name: table } = plan;
    const found = await list(plan);
    const expected = made?.plan === JSON.stringify(plan) ? made.structure : undefined;
    const problems = describeDifference({ structure: expected, peers }, found);
    const refusals = found ? refusalLog.note(found.counted).filter(isNews) : [];
    if (problems.length === 0 || !mayRepair({ family, table })) return { problems: [], refusals };
    await run(['nft', '-f', '-'], replaceTable(plan, peers));
    const structure = (await list(plan))?.structure;
    made = structure === undefined ? undefined : { plan: JSON.stringify(plan), structure };
    return { problems: problems.map((what) => ({ family, table, what })), refusals };
  }

  /** Removes tables of ours but the one that is desired. Without nft there are none. */
  async function removeTables(isOurs: (name: string) => boolean): Promise<void> {
    const tables = await run(['nft', '-j', 'list', 'tables']).then(parseTables, (error: unknown) => {
      if (error instanceof FirewallToolError && GUARDLESS.has(error.problem)) return [];
      throw error;
    });
    for (const { family: ip, name } of tables) {
      const table = { family: ip === 'ip6' ? 6 : 4, name } as const;
      const stays = desired?.plan.name === name && desired.plan.family === table.family;
      if (isGuardName(name) && isOurs(name) && !stays) await run(['nft', deleteTable(table)]);
    }
  }

  function isOwned(name: string): boolean {
    return owned.some((network) => guardName(network) === name);
  }

  return {
    get active() {
      return desired !== undefined;
    },
    desire({ overlays, tunnel }, networks) {
      const network = overlays[0]?.network;
      desired = tunnel && network && desiredGuard(tunnel, network);
      owned = networks;
      cleared = false;
    },
    async sync(mayRepair) {
      if (!desired) return { problems: [], refusals: [] };
      const { tunnel } = desired;
      return keep(desired, mayRepair).catch((error: unknown) => {
        if (error instanceof FirewallToolError) throw new UnguardedTunnelError(tunnel, error);
        throw error;
      });
    },
    async clear() {
      if (cleared || owned.length === 0) return;
      await removeTables(isOwned);
      cleared = true;
    },
    async updatePeers(changes) {
      if (!desired) return;
      const { peers, plan } = desired;
      const change = mergeChanges(peers, changes);
      for (const address of change.add) peers.add(address.toString());
      for (const address of change.remove) peers.delete(address.toString());
      const input = changePeers(plan, change);
      if (input !== '') await run(['nft', '-f', '-'], input);
    },
    async remove(networks) {
      desired = made = undefined;
      owned = networks === 'all' ? [] : networks;
      await removeTables(networks === 'all' ? () => true : isOwned);
    },
  };
}

/** Where nft can do nothing at all, it has left nothing. */
const GUARDLESS: ReadonlySet<string> = new Set(['missing', 'unsupported']);

function desiredGuard(tunnel: GuardedTunnel, network: Prefix): Desired {
  const { family, port, underlay, onlyPeersVni } = tunnel;
  const peers = tunnel.peers.filter((peer) => peer.family === family).map(String);
  return {
    tunnel,
    plan: { family, name: guardName(network), port, underlay, onlyPeersVni },
    peers: new Set(peers),
  };
}

function isAbsent(error: unknown): boolean {
  return error instanceof FirewallToolError && /no such file or directory/i.test(error.output);
}
