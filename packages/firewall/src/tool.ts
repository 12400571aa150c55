import { classify, FirewallToolError } from './errors.ts';
import type { RuleProblem } from './events.ts';
import type { RunCommand } from './run-command.ts';
import type { FamilyRules } from './family-rules.ts';

/** A program that changes the kernel's packet filter. */
export interface Tool {
  /**
   * Makes the rules of one family those desired, and returns what was wrong. One transaction per table: either
   * all of a change is done or none.
   * @throws {FirewallToolError}
   */
  sync(rules: FamilyRules): Promise<readonly RuleProblem[]>;
}

/** Runs a tool's program and returns its standard output. @throws {FirewallToolError} */
export type RunProgram = (command: readonly string[], input?: string) => Promise<string>;

export function createRunProgram(run: RunCommand, signal: AbortSignal): RunProgram {
  return async (command, input = '') => {
    const program = command[0]!;
    const { exitCode, stdout, stderr } = await run(command, { input, signal }).catch((cause: unknown) => {
      if ((cause as NodeJS.ErrnoException).code !== 'ENOENT') throw cause;
      throw new FirewallToolError(program, 'missing', '', { cause });
    });
    if (exitCode !== 0) throw new FirewallToolError(program, classify(stderr), stderr);
    return stdout;
  };
}
