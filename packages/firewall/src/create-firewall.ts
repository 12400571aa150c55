import type { Prefix } from '@flannel-ts/ip';
import { createCompareTimer } from './compare-timer.ts';
import type { RuleProblem } from './events.ts';
import type { Firewall, FirewallComponents, FirewallOptions } from './firewall.ts';
import { findObstacles } from './obstacles.ts';
import { createRuleKeeper } from './rule-keeper.ts';
import { runCommand } from './run-command.ts';
import { createRunProgram } from './tool.ts';
import { isEmpty, noRules, splitByFamily, type FamilyRules } from './family-rules.ts';
import type { DesiredRules } from './desired-rules.ts';
import { watchNetfilter } from './watch-netfilter.ts';

const LONGEST_RESYNC_MS = 2 ** 31 - 1;

/**
 * A firewall without rules of its own until {@link Firewall.apply}.
 * @throws {RangeError} for a `resyncMs` that no timer can wait
 */
export function createFirewall(components: FirewallComponents, options: FirewallOptions): Firewall {
  const { onEvent = () => undefined, run = runCommand, openPort } = components;
  const { resyncMs = 5_000, former = [] } = options;
  if (!(resyncMs >= 1 && resyncMs <= LONGEST_RESYNC_MS)) {
    throw new RangeError(`resyncMs is ${resyncMs}; want 1 to ${LONGEST_RESYNC_MS} milliseconds`);
  }
  const stop = new AbortController();
  const runProgram = createRunProgram(run, stop.signal);
  const keeper = createRuleKeeper(runProgram, options, (error) =>
    onEvent({ kind: 'fully-random-unsupported', error }),
  );
  const timer = createCompareTimer(resyncMs, () => void inTurn(resync));
  let watch: Disposable | undefined;
  let desired: readonly FamilyRules[] = [];
  /** Networks that were applied before, whose rules may be left. */
  let served: readonly Prefix[] = former;
  let reported = '';
  let turn: Promise<unknown> = Promise.resolve();

  /** Runs tasks one after another: each sees what the one before left. */
  function inTurn<T>(task: () => Promise<T>): Promise<T> {
    const result = turn.then(task);
    turn = result.catch(() => undefined);
    return result;
  }

  /** Brings both families in step and returns what was wrong. */
  async function syncAll(): Promise<readonly RuleProblem[]> {
    const problems: RuleProblem[] = [];
    const obstacles: Error[] = [];
    for (const rules of desired) {
      try {
        problems.push(...(await keeper.sync(rules)));
        obstacles.push(...(await findObstacles(runProgram, rules, options)));
      } catch (error) {
        obstacles.push(error as Error);
      }
    }
    report(obstacles);
    return problems;
  }

  function report(all: readonly Error[]): void {
    if (stop.signal.aborted) return;
    const obstacles = [...new Map(all.map((error) => [error.message, error])).values()];
    const messages = obstacles.map(({ message }) => message).join('\n');
    if (messages === reported) return;
    reported = messages;
    onEvent({ kind: 'obstacles', obstacles });
  }

  function schedule(): void {
    if (stop.signal.aborted || (desired.every(isEmpty) && reported === '')) timer.stop();
    else timer.restart();
  }

  async function resync(): Promise<void> {
    if (stop.signal.aborted) return;
    const problems = await syncAll();
    if (problems.length > 0) onEvent({ kind: 'repaired', problems });
    schedule();
  }

  return {
    async apply(whole) {
      const rules = splitByFamily(whole, served);
      return inTurn(async () => {
        desired = rules;
        served = withNetworks(served, whole);
        if (openPort && !stop.signal.aborted) watch ??= watchNetfilter(openPort, () => timer.hurry());
        await syncAll();
        schedule();
      });
    },
    remove(overlays) {
      return inTurn(async () => {
        desired = [];
        timer.stop();
        for (const rules of noRules(overlays?.map(({ network }) => network))) await keeper.remove(rules);
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

function withNetworks(served: readonly Prefix[], { overlays }: DesiredRules): readonly Prefix[] {
  const fresh = overlays.map(({ network }) => network);
  return [...served, ...fresh.filter((network) => !served.some((known) => known.equals(network)))];
}
