import { leaseKey } from '@flannel-ts/subnet';
import { describeFault, type Fault } from './faults/fault.ts';
import { injectFaults } from './faults/inject.ts';
import { createConvergenceCheck, RECOVERY_MS } from './monitor/convergence.ts';
import { checkChoice, checkExpiry } from './monitor/leases.ts';
import { createRecord, type Failure } from './monitor/record.ts';
import { checkWrite } from './monitor/writes.ts';
import { createCluster, type Cluster } from './world/cluster.ts';
import { realComponents, type Components } from './world/components.ts';
import { DAY_MS, planCluster, type RunRequest } from './world/plan.ts';
import { createScheduler } from './world/scheduler.ts';

/** How a run ended. */
export interface RunResult {
  /** Equal for equal histories: the proof that a seed is a run. */
  readonly digest: string;
  /** The first broken invariant. */
  readonly failure: Failure | undefined;
  /** Actions that were carried out. */
  readonly steps: number;
  /** Virtual milliseconds that passed. */
  readonly elapsedMs: number;
}

/** Between two checks, for each daemon. */
const SPACING_MS = 60_000;

/** Runs a cluster through faults, until an invariant breaks or the days are over. */
export async function simulate(
  request: RunRequest,
  faults: readonly Fault[],
  components: Components = realComponents,
): Promise<RunResult> {
  const scheduler = createScheduler();
  const record = createRecord(scheduler);
  const plan = planCluster(request);
  const cluster: Cluster = createCluster(components, {
    ...{ scheduler, plan, seed: request.seed },
    observer: {
      written(write) {
        checkWrite(record, cluster, write);
        checkExpiry(record, cluster, write);
      },
      replaced: () => record.add('registry', 'replaced'),
      acquired(host, lease, since) {
        record.add(host.name, 'acquired', leaseKey(lease));
        checkChoice(record, cluster, { host, lease, since });
      },
      lost: (host, lease) => record.add(host.name, 'lost', leaseKey(lease)),
      failed: (host, error) => record.fail(`${host.name} ends: ${(error as Error).stack ?? String(error)}`),
    },
  });
  const check = createConvergenceCheck(record, cluster);
  injectFaults(cluster, faults, (fault) => record.add('fault', describeFault(fault)));
  for (const time of checkTimes(faults, request)) scheduler.at(time, check);
  const end = request.days * DAY_MS + RECOVERY_MS;
  await scheduler.run(end);
  for (const host of cluster.hosts) cluster.kill(host);
  const { digest, failure } = record;
  return { digest, failure, steps: scheduler.steps, elapsedMs: scheduler.now };
}

/**
 * When hosts that a fault touched have had time to recover, and now and then. The cost of a check grows
 * with the square of the cluster, so that a larger one has fewer, each of which is for several faults.
 */
function checkTimes(faults: readonly Fault[], { days, daemons }: RunRequest): readonly number[] {
  const end = days * DAY_MS + RECOVERY_MS;
  const ends = faults.map((fault) => {
    const { durationMs, downMs } = { durationMs: 0, downMs: 0, ...fault };
    return fault.at + (Number.isFinite(downMs) ? downMs : 0) + durationMs;
  });
  const times = [...ends.map((time) => time + RECOVERY_MS + 1000).filter((time) => time < end), end];
  const chosen: number[] = [];
  for (const time of times.sort((a, b) => b - a)) {
    if (chosen.length === 0 || time <= chosen.at(-1)! - daemons * SPACING_MS) chosen.push(time);
  }
  return chosen;
}
