import type { CommandContext } from '../command-context.ts';
import { messageOf } from '../message-of.ts';

/** Something on this host that is to be deleted, in words like those of `ip`. */
export interface Leftover {
  readonly what: string;
  /** What it consists of, for lines below. */
  readonly details?: readonly string[];
  /** Why it cannot be deleted, and what to do; a dry run reports it, too. */
  readonly obstacle?: string | undefined;
  delete(): Promise<void>;
}

/** What a search found. */
export interface Findings {
  readonly leftovers: readonly Leftover[];
  /** What stays although it looks like flannel's, with the reason: whole lines. */
  readonly kept?: readonly string[];
}

/** Not everything could be deleted; the message names what is left. */
export class CleanupIncompleteError extends Error {
  constructor(left: readonly string[]) {
    super(`not everything could be deleted: ${left.join(', ')}`);
    this.name = 'CleanupIncompleteError';
  }
}

/** Carries out the steps of a cleanup; one that fails does not stop the others. */
export interface Steps {
  /** What could not be searched or deleted. */
  readonly failures: readonly string[];
  /** Number of things that were deleted, or would be. */
  readonly count: number;
  /**
   * Searches, and deletes what is found.
   * @param subject - what is searched for, for the message when that fails
   */
  take(subject: string, find: () => Promise<Findings>): Promise<void>;
}

export function createSteps({
  dryRun,
  print,
  signal,
}: Pick<CommandContext, 'print' | 'signal'> & { readonly dryRun: boolean }): Steps {
  const failures: string[] = [];
  let count = 0;

  async function attempt<T>(what: string, task: () => Promise<T>): Promise<T | undefined> {
    signal.throwIfAborted();
    try {
      return await task();
    } catch (error) {
      signal.throwIfAborted();
      print(`${what}: not deleted: ${messageOf(error)}`);
      failures.push(what);
      return undefined;
    }
  }

  async function deleteOne(leftover: Leftover): Promise<void> {
    if (leftover.obstacle) throw new Error(leftover.obstacle);
    if (!dryRun) await leftover.delete();
    print(`${leftover.what}: ${dryRun ? 'would be deleted' : 'deleted'}`);
    for (const detail of leftover.details ?? []) print(`    ${detail}`);
    count++;
  }

  return {
    failures,
    get count() {
      return count;
    },
    async take(subject, find) {
      const { leftovers, kept = [] } = (await attempt(subject, find)) ?? { leftovers: [] };
      for (const line of kept) print(line);
      for (const leftover of leftovers) await attempt(leftover.what, () => deleteOne(leftover));
    },
  };
}
