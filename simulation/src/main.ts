// `npm run simulate`: clusters on a virtual clock, seed after seed. See README.md.
import { parseOptions, USAGE, type Options } from './options.ts';
import { describeProgress, describeRest } from './progress.ts';
import { allFaults, describeFailure, runSeed, shortenSchedule } from './run-seed.ts';
import { runSeeds } from './run-seeds.ts';
import type { RunResult } from './simulate.ts';
import type { RunRequest } from './world/plan.ts';

const PROGRESS_MS = 60_000;

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
async function runMany(options: Options): Promise<number> {
  const interrupt = new AbortController();
  for (const signal of ['SIGINT', 'SIGTERM']) process.once(signal, () => interrupt.abort());
  const run = runSeeds(options, interrupt);
  const report = () => console.error(`${describeProgress(run.progress)}; ${describeRest(run.progress)}`);
  const reporting = setInterval(report, PROGRESS_MS);
  const failed = await run.failed.finally(() => clearInterval(reporting));
  if (failed) return reportFailure(failed, allFaults(failed));
  const end = interrupt.signal.aborted ? ', interrupted' : '';
  console.log(`${describeProgress(run.progress)}; every invariant held${end}`);
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

/** Runs one seed twice: equal digests prove that the seed is the run. */
async function replay({ faults, days, daemons, dualStack }: Options, seed: number): Promise<number> {
  const request: RunRequest = { seed, days, daemons, dualStack };
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
