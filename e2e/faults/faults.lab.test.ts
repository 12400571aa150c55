import { expect, it } from 'vitest';
import { formatFailure, formatRound } from './report.ts';
import { soak } from './soak.ts';

const SEED = 1;
/** About two minutes, with the start and the last round. */
const DURATION_MS = 90_000;
/** A backoff lasts for a minute at most, and what it delays takes its time. */
const BOUND_MS = 90_000;

it('a cluster is right again after every fault of two minutes', { timeout: 600_000 }, async ({ signal }) => {
  const { rounds, failure } = await soak({
    ...{ seed: SEED, durationMs: DURATION_MS, boundMs: BOUND_MS, hosts: 3, access: 'open', only: [], signal },
    onRound: (round) => console.log(formatRound(round)),
  });
  expect(failure && formatFailure(SEED, failure)).toBeUndefined();
  expect(rounds.length).toBeGreaterThan(0);
});
