import { generateFaults } from './faults/generate.ts';
import { describeFault, formatTime } from './faults/fault.ts';
import { shrink } from './shrink.ts';
import { simulate, type RunResult } from './simulate.ts';
import { realComponents, type Components } from './world/components.ts';
import type { RunRequest } from './world/plan.ts';

/** Runs of a failing seed that shorten its schedule at most. */
const SHRINK_RUNS = 300;

/** Runs a seed, with all of its faults or those with the given numbers. */
export function runSeed(
  request: RunRequest,
  {
    only,
    components = realComponents,
  }: { only?: readonly number[] | undefined; components?: Components } = {},
): Promise<RunResult> {
  const faults = generateFaults(request);
  return simulate(request, only ? only.map((number) => faults[number]!) : faults, components);
}

/** Returns the numbers of few faults with which a failing seed breaks an invariant; which one may differ. */
export async function shortenSchedule(
  request: RunRequest,
  failing: readonly number[],
  components?: Components,
): Promise<readonly number[]> {
  const fails = async (only: readonly number[]) =>
    (await runSeed(request, { only, ...(components && { components }) })).failure !== undefined;
  return shrink(failing, fails, SHRINK_RUNS);
}

/** Describes a failing run: the invariant, the history before, the faults and the command that replays it. */
export function describeFailure(request: RunRequest, only: readonly number[], result: RunResult): string {
  const faults = generateFaults(request);
  const { seed, daemons, days, dualStack } = request;
  const list = only.length > 0 ? only.join() : 'none';
  return [
    `seed ${seed} breaks an invariant at ${formatTime(result.failure!.at)}: ${result.failure!.problem}`,
    '',
    'last of the history:',
    ...result.failure!.history.map((line) => `  ${line}`),
    '',
    `schedule (${only.length} of ${faults.length} faults):`,
    ...only.map((number) => `  ${number}: ${describeFault(faults[number]!)}`),
    '',
    `replay: npm run simulate -- --seed ${seed} --daemons ${daemons} --days ${days}${dualStack ? ' --dual-stack' : ''} --faults ${list}`,
  ].join('\n');
}

/** Returns the numbers of all faults of a seed. */
export function allFaults(request: RunRequest): readonly number[] {
  return generateFaults(request).map((_, number) => number);
}
