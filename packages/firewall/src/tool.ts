import { classify, FirewallToolError } from './errors.ts';
import type { RulePlace, RuleProblem } from './events.ts';
import type { CommandOutcome, RunCommand } from './run-command.ts';
import type { FamilyRules } from './family-rules.ts';

/** Whether rules there may be repaired now. */
export type MayRepair = (place: RulePlace) => boolean;

/** A program that changes the kernel's packet filter. */
export interface Tool {
  /**
   * Makes the rules of one family those desired, where that is allowed, and returns what was wrong and is repaired.
   * One transaction per table: either all of a change is done or none.
   * @throws {FirewallToolError}
   */
  sync(rules: FamilyRules, mayRepair: MayRepair): Promise<readonly RuleProblem[]>;
}

/** Runs a tool's program and returns its standard output. @throws {FirewallToolError} */
export type RunProgram = (command: readonly string[], input?: string) => Promise<string>;

/** Milliseconds after which a program hangs: a change of many thousand rules takes a few seconds. */
const LONGEST_RUN_MS = 30_000;

/**
 * Creates what runs the tools' programs, each until it ends, hangs, or `stop` aborts, even where `run` heeds no signal.
 * @param longestMs - the time after which a program is killed, in milliseconds
 */
export function createRunProgram(run: RunCommand, stop: AbortSignal, longestMs = LONGEST_RUN_MS): RunProgram {
  return async (command, input = '') => {
    stop.throwIfAborted();
    const program = command[0]!;
    // Not AbortSignal.any, whose signals add up at one that lives as long as the daemon.
    const end = new AbortController();
    const { signal } = end;
    const onStop = () => end.abort(stop.reason);
    stop.addEventListener('abort', onStop);
    const timer = setTimeout(() => end.abort(new FirewallToolError(program, 'stuck', '')), longestMs);
    try {
      const { exitCode, stdout, stderr } = await new Promise<CommandOutcome>((resolve, reject) => {
        signal.addEventListener('abort', () => reject(signal.reason as Error));
        run(command, { input, signal }).then(resolve, reject);
      });
      if (exitCode !== 0) throw new FirewallToolError(program, classify(stderr), stderr);
      return stdout;
    } catch (cause) {
      if ((cause as NodeJS.ErrnoException | undefined)?.code !== 'ENOENT') throw cause;
      throw new FirewallToolError(program, 'missing', '', { cause });
    } finally {
      clearTimeout(timer);
      stop.removeEventListener('abort', onStop);
    }
  };
}
