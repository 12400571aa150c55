// `npm run simulate`: clusters on a virtual clock, seed after seed. See README.md.
import { parseOptions, USAGE, type Options } from './options.ts';
import { allFaults, describeFailure, runSeed, shortenSchedule } from './run-seed.ts';
import type { RunResult } from './simulate.ts';
import type { RunRequest } from './world/plan.ts';

const MINUTE_MS = 60_000;
const PROGRESS_MS = 10_000;

const options = read();
if (options)
  process.exitCode = await (options.seed === undefined ? runMany(options) : replay(options, options.seed));

function read(): Options | undefined {
  try {
    const parsed = parseOptions(process.argv.slice(2));
    if (!parsed) console.log(USAGE);
    return parsed;
  } catch (error) {
    console.error((error as Error).message);
    process.exitCode = 2;
    return undefined;
  }
}

/** Runs seeds until they are done, the time is over, one fails or the user has enough. */
async function runMany({ seeds, from, minutes, ...cluster }: Options): Promise<number> {
  const start = performance.now();
  const interrupt = new AbortController();
  process.once('SIGINT', () => interrupt.abort());
  let done = 0;
  let steps = 0;
  let virtualMs = 0;
  let reported = start;
  const summary = () => describeProgress({ done, seeds, steps, virtualMs, ms: performance.now() - start });
  while (done < seeds && !interrupt.signal.aborted && performance.now() - start < minutes * MINUTE_MS) {
    const request = toRequest(cluster, from + done);
    const result = await runSeed(request);
    done++;
    steps += result.steps;
    virtualMs += result.elapsedMs;
    if (result.failure) return reportFailure(request, allFaults(request));
    if (performance.now() - reported < PROGRESS_MS) continue;
    reported = performance.now();
    console.log(summary());
  }
  console.log(`${summary()}; every invariant held${interrupt.signal.aborted ? ', interrupted' : ''}`);
  return 0;
}

async function reportFailure(request: RunRequest, failing: readonly number[]): Promise<number> {
  console.log(
    `seed ${request.seed} breaks an invariant; shortening its schedule of ${failing.length} faults`,
  );
  const only = await shortenSchedule(request, failing);
  console.log(describeFailure(request, only, await runSeed(request, { only })));
  return 1;
}

function toRequest({ days, daemons, dualStack }: Omit<RunRequest, 'seed'>, seed: number): RunRequest {
  return { seed, days, daemons, dualStack };
}

/** Runs one seed twice: equal digests prove that the seed is the run. */
async function replay({ faults, ...cluster }: Options, seed: number): Promise<number> {
  const request = toRequest(cluster, seed);
  const only = faults ?? allFaults(request);
  const start = performance.now();
  const result = await runSeed(request, { only });
  const seconds = ((performance.now() - start) / 1000).toFixed(1);
  const again = await runSeed(request, { only });
  console.log(`seed ${seed}: digest ${result.digest}, ${result.steps} steps in ${seconds} s`);
  if (again.digest !== result.digest) {
    console.log(`the second run has the digest ${again.digest}: something is not owned by the seed`);
    return 1;
  }
  return reportReplay(request, only, result);
}

function reportReplay(request: RunRequest, only: readonly number[], result: RunResult): number {
  if (!result.failure) {
    console.log('every invariant held');
    return 0;
  }
  console.log(describeFailure(request, only, result));
  return 1;
}

function describeProgress(progress: {
  readonly done: number;
  readonly seeds: number;
  readonly steps: number;
  readonly virtualMs: number;
  readonly ms: number;
}): string {
  const { done, seeds, steps, virtualMs, ms } = progress;
  const hours = virtualMs / 3_600_000;
  const perMinute = Math.round(hours / (ms / MINUTE_MS));
  return (
    `${done} of ${seeds} seeds, ${Math.round(hours).toLocaleString('en')} virtual hours ` +
    `(${perMinute.toLocaleString('en')} a minute), ${steps.toLocaleString('en')} steps, ` +
    `${(ms / Math.max(1, done)).toFixed(0)} ms a seed`
  );
}
