import type { Options } from './options.ts';
import type { Progress } from './progress.ts';
import { runOnThreads } from './run-on-threads.ts';
import type { RunRequest } from './world/plan.ts';

const MINUTE_MS = 60_000;

/** A run of many seeds. */
export interface SeedsRun {
  /** How far it is now. */
  readonly progress: Progress;
  /** The lowest seed that broke an invariant, when the seeds that had been begun are done; `undefined` for none. */
  readonly failed: Promise<RunRequest | undefined>;
}

/**
 * Runs seeds on threads until they are done, the time is over, one fails or `signal` aborts. Seeds that have been
 * begun are brought to their end.
 *
 * @param script - what each thread runs; by default, seeds of the real code
 */
export function runSeeds(
  options: Pick<Options, 'seeds' | 'from' | 'minutes' | 'jobs'> & Omit<RunRequest, 'seed'>,
  { signal, script }: { readonly signal: AbortSignal; readonly script?: URL | undefined },
): SeedsRun {
  const { seeds, from, minutes, jobs, days, daemons, dualStack } = options;
  const start = performance.now();
  const elapsedMs = () => performance.now() - start;
  const failed: RunRequest[] = [];
  const sums = { done: 0, steps: 0, virtualMs: 0 };
  const isOver = () => signal.aborted || failed.length > 0 || elapsedMs() >= minutes * MINUTE_MS;

  function* requests(): Generator<RunRequest, void> {
    for (let seed = from; seed < from + seeds && !isOver(); seed++) yield { seed, days, daemons, dualStack };
  }

  async function run(): Promise<RunRequest | undefined> {
    await runOnThreads(requests(), { jobs: Math.min(jobs, seeds), script }, (request, result) => {
      sums.done++;
      sums.steps += result.steps;
      sums.virtualMs += result.elapsedMs;
      if (result.failure) failed.push(request);
    });
    return failed.toSorted((a, b) => a.seed - b.seed)[0];
  }

  return {
    get progress() {
      return { ...sums, seeds, ms: elapsedMs() };
    },
    failed: run(),
  };
}
