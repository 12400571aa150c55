import { FirewallToolError } from './errors.ts';
import type { RuleProblem } from './events.ts';
import type { Firewall, FirewallComponents, FirewallOptions } from './firewall.ts';
import { createIptables } from './iptables/create-iptables.ts';
import { createNftables } from './nftables/create-nftables.ts';
import { runCommand } from './run-command.ts';
import { createRunProgram, type Scope, type Tool } from './tool.ts';
import { isEmpty, NO_RULES, splitByFamily, type FamilyRules } from './wanted-rules.ts';

const LONGEST_RESYNC_MS = 2 ** 31 - 1;

/**
 * A firewall without rules of its own until {@link Firewall.apply}.
 * @throws {RangeError} for a `resyncMs` that no timer can wait
 */
export function createFirewall(components: FirewallComponents, options: FirewallOptions): Firewall {
  const { onEvent = () => undefined, run = runCommand } = components;
  const { resyncMs = 5_000 } = options;
  if (!(resyncMs >= 1 && resyncMs <= LONGEST_RESYNC_MS)) {
    throw new RangeError(`resyncMs is ${resyncMs}; want 1 to ${LONGEST_RESYNC_MS} milliseconds`);
  }
  const stop = new AbortController();
  const runProgram = createRunProgram(run, stop.signal);
  const iptables = createIptables(runProgram, options.variant);
  const nftables = createNftables(runProgram);
  const [tool, other] = options.tool === 'iptables' ? [iptables, nftables] : [nftables, iptables];
  let wanted: readonly FamilyRules[] = [];
  /** Families in which everything is in place: from now on only drift is looked for. */
  let settled = new Set<FamilyRules>();
  let failures = new Set<string>();
  let fullyRandom = true;
  let turn: Promise<unknown> = Promise.resolve();
  let timer: NodeJS.Timeout | undefined;

  /** Runs tasks one after another: each sees what the one before left. */
  function inTurn<T>(task: () => Promise<T>): Promise<T> {
    const result = turn.then(task);
    turn = result.catch(() => undefined);
    return result;
  }

  /** Brings both families in step and returns what was wrong. */
  async function syncAll(): Promise<readonly RuleProblem[]> {
    const problems: RuleProblem[] = [];
    const failed = new Set<string>();
    for (const rules of wanted) {
      try {
        problems.push(...(await syncFamily(rules)));
      } catch (error) {
        fail(error as Error, failed);
      }
    }
    failures = failed;
    return problems;
  }

  /** The new rules come before the other tool's go, so that no packet passes between them. */
  async function syncFamily(rules: FamilyRules): Promise<readonly RuleProblem[]> {
    if (settled.has(rules)) return isEmpty(rules) ? [] : put(rules, 'wanted');
    const problems = isEmpty(rules) ? await clear(tool, rules) : await put(rules, 'all');
    await clear(other, rules);
    settled.add(rules);
    return problems;
  }

  /**
   * A refused change is tried a second time, since somebody may have changed the rules after they were read,
   * and a third time without random source ports, which old tools and kernels refuse.
   */
  async function put(rules: FamilyRules, scope: Scope): Promise<readonly RuleProblem[]> {
    const possible = fullyRandom ? rules : withoutFullyRandom(rules);
    const attempt = () => tool.sync(possible, scope);
    try {
      return await attempt().catch((error: unknown) => {
        if (!isRefusal(error)) throw error;
        return attempt();
      });
    } catch (error) {
      if (!isRefusal(error) || !possible.masquerade?.fullyRandom) throw error;
      const problems = await tool.sync(withoutFullyRandom(rules), scope);
      fullyRandom = false;
      onEvent({ kind: 'fully-random-unsupported', error });
      return problems;
    }
  }

  function fail(error: Error, failed: Set<string>): void {
    if (stop.signal.aborted) return;
    const known = failures.has(error.message) || failed.has(error.message);
    failed.add(error.message);
    if (!known) onEvent({ kind: 'failed', error });
  }

  function schedule(): void {
    clearTimeout(timer);
    if (stop.signal.aborted || wanted.every((rules) => isEmpty(rules) && settled.has(rules))) return;
    timer = setTimeout(() => void inTurn(resync), resyncMs);
  }

  async function resync(): Promise<void> {
    if (stop.signal.aborted) return;
    const problems = await syncAll();
    if (problems.length > 0) onEvent({ kind: 'mended', problems });
    schedule();
  }

  return {
    async apply(value) {
      const rules = splitByFamily(value);
      return inTurn(async () => {
        wanted = rules;
        settled = new Set();
        await syncAll();
        schedule();
      });
    },
    remove() {
      return inTurn(async () => {
        wanted = [];
        clearTimeout(timer);
        for (const rules of NO_RULES) {
          await clear(tool, rules);
          await clear(other, rules);
        }
      });
    },
    async [Symbol.asyncDispose]() {
      stop.abort();
      clearTimeout(timer);
      await turn;
    },
  };
}

/** Removes what a tool may have left in a family. A tool that is not installed has left nothing. */
async function clear(tool: Tool, { family }: FamilyRules): Promise<readonly RuleProblem[]> {
  return tool.sync({ family }, 'all').catch((error: unknown) => {
    if (error instanceof FirewallToolError && error.problem === 'missing') return [];
    throw error;
  });
}

function withoutFullyRandom(rules: FamilyRules): FamilyRules {
  return { ...rules, masquerade: rules.masquerade && { ...rules.masquerade, fullyRandom: false } };
}

function isRefusal(error: unknown): error is FirewallToolError {
  return error instanceof FirewallToolError && error.problem === 'refused';
}
