import { describe, expect, it } from 'vitest';
import { realComponents, runSeed, type RunRequest, type RunResult } from '../src/index.ts';
import { runOnThreads } from '../src/run-on-threads.ts';
import { runSeeds } from '../src/run-seeds.ts';
import { keepRemovedPeers } from './support/broken-followers.ts';

const CLUSTER = { daemons: 5, days: 3 };
const OPTIONS = { ...CLUSTER, seeds: 12, from: 1, minutes: Infinity, jobs: 3, dualStack: false };
const BROKEN = new URL('./support/broken-seed-thread.ts', import.meta.url);
const never = new AbortController().signal;

it('has the same results on several threads as on one and on none', async () => {
  const onThreads = async (jobs: number) => {
    const results = new Map<number, RunResult>();
    const requests: RunRequest[] = [1, 2, 3, 4, 5].map((seed) => ({ seed, ...CLUSTER }));
    await runOnThreads(requests.values(), { jobs }, ({ seed }, result) => void results.set(seed, result));
    return [...results].sort(([a], [b]) => a - b);
  };
  const expected: [number, RunResult][] = [];
  for (let seed = 1; seed <= 5; seed++) expected.push([seed, await runSeed({ seed, ...CLUSTER })]);
  expect(await onThreads(1)).toEqual(expected);
  expect(await onThreads(3)).toEqual(expected);
});

describe('a run of many seeds', () => {
  it('sums up what has been done', async () => {
    const run = runSeeds(OPTIONS, { signal: never });
    expect(await run.failed).toBeUndefined();
    expect(run.progress).toMatchObject({ done: 12, seeds: 12 });
    expect(run.progress.virtualMs).toBeGreaterThan(12 * 3 * 24 * 3_600_000);
    expect(run.progress.steps).toBeGreaterThan(1000);
  });

  it('ends at a failure, and names the lowest seed that fails', async () => {
    const components = { ...realComponents, createPeerFollower: keepRemovedPeers };
    let lowest = 1;
    while (!(await runSeed({ seed: lowest, ...CLUSTER }, { components })).failure) lowest++;
    const run = runSeeds({ ...OPTIONS, seeds: 1000 }, { signal: never, script: BROKEN });
    expect(await run.failed).toEqual({ seed: lowest, ...CLUSTER, dualStack: false });
    expect(run.progress.done).toBeLessThan(1000);
  });

  it('ends after the seeds that run when it is aborted', async () => {
    const enough = new AbortController();
    const run = runSeeds({ ...OPTIONS, seeds: 1_000_000 }, enough);
    enough.abort();
    expect(await run.failed).toBeUndefined();
    expect(run.progress.done).toBe(OPTIONS.jobs);
  });

  it('begins no seed when its time is over', async () => {
    const run = runSeeds({ ...OPTIONS, minutes: 0 }, { signal: never });
    expect(await run.failed).toBeUndefined();
    expect(run.progress.done).toBe(0);
  });
});
