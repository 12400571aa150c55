import { describe, expect, it } from 'vitest';
import { allFaults, describeFailure, realComponents, runSeed, shortenSchedule } from '../src/index.ts';
import { shrink } from '../src/shrink.ts';
import { keepRemovedPeers } from './support/broken-followers.ts';

const SMALL = { daemons: 10, days: 10 };

describe('a run', () => {
  it('is the same for the same seed, byte for byte, and another for another seed', async () => {
    const digests = [];
    for (const seed of [7, 7, 8]) digests.push((await runSeed({ seed, ...SMALL })).digest);
    expect(digests[0]).toMatch(/^[0-9a-f]{16}$/);
    expect(digests[1]).toBe(digests[0]);
    expect(digests[2]).not.toBe(digests[0]);
  });

  it.each([
    [40, { daemons: 3, days: 30 }],
    [10, { daemons: 30, days: 5 }],
    [20, { daemons: 10, days: 10, dualStack: true }],
    [20, { daemons: 3, days: 30, dualStack: true }],
  ])('keeps every invariant, with %i seeds of %o', async (seeds, cluster) => {
    for (let seed = 1; seed <= seeds; seed++) {
      const { failure } = await runSeed({ seed, ...cluster });
      expect({ seed, problem: failure?.problem }).toEqual({ seed });
    }
  });

  it('excuses hosts without a lease where reservations leave no subnet free', async () => {
    const { failure } = await runSeed({ seed: 186, daemons: 3, days: 30 });
    expect(failure?.problem).toBeUndefined();
  });

  it('excuses a lease that a restored registry has kept for longer than its host knew', async () => {
    const { failure } = await runSeed({ seed: 8392, daemons: 100, days: 30 }, { only: [77, 81] });
    expect(failure?.problem).toBeUndefined();
  });

  it('of a hundred daemons keeps every invariant', async () => {
    const { failure, elapsedMs } = await runSeed({ seed: 1, daemons: 100, days: 3 });
    expect(failure).toBeUndefined();
    expect(elapsedMs).toBeGreaterThan(3 * 24 * 3_600_000);
  });
});

describe('a failing schedule', () => {
  it('is shortened to the faults without which it does not fail, with the command that replays it', async () => {
    const request = { seed: 1, ...SMALL };
    const components = { ...realComponents, createPeerFollower: keepRemovedPeers };
    const all = allFaults(request);
    const only = await shortenSchedule(request, all, components);
    expect(only.length).toBeLessThan(5);
    const result = await runSeed(request, { only, components });
    const text = describeFailure(request, only, result);
    expect(text).toMatch(/^seed 1 breaks an invariant at \d+d [\d:.]+: host-/);
    expect(text).toContain(`schedule (${only.length} of ${all.length} faults)`);
    expect(text).toContain(
      `npm run simulate -- --seed 1 --daemons 10 --days 10 --faults ${only.join() || 'none'}`,
    );
  });

  it('loses every item that it does not need', async () => {
    const items = Array.from({ length: 64 }, (_, index) => index);
    const fails = async (part: readonly number[]) => part.includes(3) && part.includes(41);
    expect(await shrink(items, fails, 1000)).toEqual([3, 41]);
  });

  it('stays as it is when the budget is used up', async () => {
    const fails = () => Promise.resolve(true);
    expect(await shrink([1, 2, 3], fails, 0)).toEqual([1, 2, 3]);
  });
});
