import { createCompareTimer } from './compare-timer.ts';
import type { TunnelPeersChange } from './desired-rules.ts';
import { FirewallToolError } from './errors.ts';
import type { Refusal, RuleProblem } from './events.ts';
import type { Firewall, FirewallComponents, FirewallOptions } from './firewall.ts';
import { createGuard } from './guard/create-guard.ts';
import { UnguardedTunnelError } from './guard/errors.ts';
import { findObstacles } from './obstacles.ts';
import { createRepairLimiter } from './repair-limiter.ts';
import { createRuleKeeper } from './rule-keeper.ts';
import { runCommand } from './run-command.ts';
import { createRunProgram, type MayRepair } from './tool.ts';
import {
  isEmpty,
  noRules,
  ownAlso,
  splitByFamily,
  type FamilyRules,
  type Ownership,
} from './family-rules.ts';
import { watchNetfilter } from './watch-netfilter.ts';

const LONGEST_RESYNC_MS = 2 ** 31 - 1;

/**
 * Creates a firewall, which changes no rule before {@link Firewall.apply}.
 * @throws {RangeError} for a `resyncMs` that no timer can wait
 */
export function createFirewall(components: FirewallComponents, options: FirewallOptions): Firewall {
  const { onEvent = () => undefined, run = runCommand, openPort, random = Math.random } = components;
  const { resyncMs = 5_000, former = [] } = options;
  if (!(resyncMs >= 1 && resyncMs <= LONGEST_RESYNC_MS)) {
    throw new RangeError(`resyncMs must be 1 to ${LONGEST_RESYNC_MS} milliseconds, not ${resyncMs}`);
  }
  const stop = new AbortController();
  const runProgram = createRunProgram(run, stop.signal);
  const keeper = createRuleKeeper(runProgram, options, (error) =>
    onEvent({ kind: 'fully-random-unsupported', error }),
  );
  const guard = createGuard(runProgram, () => performance.now());
  const limiter = createRepairLimiter(random);
  const timer = createCompareTimer(resyncMs, () => void inTurn(resync));
  let watch: Disposable | undefined;
  let desired: readonly FamilyRules[] = [];
  /** What rules may be left of, from this run or before. */
  let served: Ownership = { networks: former, bridges: [] };
  let reported = '';
  /** What {@link onEvent} threw; reported with the next compare. */
  let thrown: Error | undefined;
  /** What the guard dropped, until it is reported. */
  const refused: Refusal[] = [];
  /** Changes of the tunnel's peers that are not carried out yet. */
  let peersChanges: TunnelPeersChange[] = [];
  let turn: Promise<unknown> = Promise.resolve();

  /** Runs tasks one after another: each sees what the one before left. */
  function inTurn<T>(task: () => Promise<T>): Promise<T> {
    const result = turn.then(task);
    turn = result.catch(() => undefined);
    return result;
  }

  /** Brings everything in step, and returns what is repaired and what is in the way. */
  async function syncAll(mayRepair: MayRepair) {
    const problems: RuleProblem[] = [];
    const obstacles: Error[] = thrown ? [thrown] : [];
    thrown = undefined;
    const attempt = (task: () => Promise<void>) =>
      task().catch((error: unknown) => void obstacles.push(toError(error)));
    await attempt(async () => {
      const guarded = await guard.sync(mayRepair);
      problems.push(...guarded.problems);
      refused.push(...guarded.refusals);
    });
    for (const rules of desired)
      await attempt(async () => {
        problems.push(...(await keeper.sync(rules, mayRepair)));
        obstacles.push(...(await findObstacles(runProgram, rules, options)));
      });
    if (!obstacles.some(isToolFailure)) await attempt(() => guard.clear());
    return { problems, obstacles };
  }

  /** Carries out a compare and plans the next one, whatever is thrown. */
  async function compare(task: () => Promise<void>): Promise<void> {
    if (stop.signal.aborted) return;
    try {
      await task();
    } catch (error) {
      thrown = toError(error);
    }
    schedule();
  }

  function schedule(): void {
    const atRest = desired.every(isEmpty) && !guard.active && reported === '' && !thrown;
    if (stop.signal.aborted || atRest) timer.stop();
    else timer.restart();
  }

  function report(all: readonly Error[]): void {
    if (stop.signal.aborted) return;
    const obstacles = [...new Map(all.map((error) => [error.message, error])).values()];
    const messages = obstacles.map(({ message }) => message).join('\n');
    if (messages === reported) return;
    onEvent({ kind: 'obstacles', obstacles });
    reported = messages;
  }

  function resync(): Promise<void> {
    return compare(async () => {
      const { problems, obstacles } = await syncAll((place) => limiter.allows(place));
      const news = limiter.note(problems);
      report([...obstacles, ...limiter.contests()]);
      if (refused.length > 0) onEvent({ kind: 'refused', refusals: refused.splice(0) });
      if (news.length > 0) onEvent({ kind: 'repaired', problems: news });
    });
  }

  return {
    async apply(rules) {
      const owned = ownAlso(served, rules);
      const split = splitByFamily(rules, owned);
      served = owned;
      return inTurn(() =>
        compare(async () => {
          desired = split;
          guard.desire(rules, owned.networks);
          if (openPort) watch ??= watchNetfilter(openPort, () => timer.hurry());
          const { obstacles } = await syncAll(() => true);
          report([...obstacles, ...limiter.contests()]);
        }),
      );
    },
    updatePeers(change) {
      peersChanges.push(change);
      return inTurn(async () => {
        const changes = peersChanges;
        peersChanges = [];
        // What fails is found and repaired by a compare.
        await guard.updatePeers(changes).catch(() => {
          if (!stop.signal.aborted) timer.hurry();
        });
      });
    },
    remove(overlays) {
      const networks = overlays?.map(({ network }) => network);
      return inTurn(async () => {
        desired = [];
        timer.stop();
        await guard.remove(networks ?? 'all');
        for (const rules of noRules(networks ? { ...served, networks } : 'all')) await keeper.remove(rules);
      });
    },
    async [Symbol.asyncDispose]() {
      stop.abort();
      watch?.[Symbol.dispose]();
      watch = undefined;
      timer[Symbol.dispose]();
      await turn;
    },
  };
}

/** Whether a tool failed, so that it is not asked for more now. */
function isToolFailure(error: Error): boolean {
  return error instanceof FirewallToolError || error instanceof UnguardedTunnelError;
}

function toError(thrown: unknown): Error {
  return thrown instanceof Error ? thrown : new Error(String(thrown));
}
