import { afterEach, beforeEach, expect, it, vi } from 'vitest';
import { createContests, type Contests } from '../src/index.ts';

beforeEach(() => void vi.useFakeTimers());
afterEach(() => void vi.useRealTimers());

const create = () => createContests({ random: () => 1, freeRepairs: 5 });

/** Another program that undoes every repair. @returns the seconds that each repair had to wait */
function contest(contests: Contests, subject: string, repairs: number): number[] {
  return Array.from({ length: repairs }, () => {
    const pauseMs = Math.max(0, contests.dueAt(subject) - performance.now());
    vi.advanceTimersByTime(pauseMs);
    contests.repaired(subject);
    return pauseMs / 1_000;
  });
}

it('the first repairs come at once, and then after pauses that grow to a minute', () => {
  expect(contest(create(), 'route', 14)).toEqual([0, 0, 0, 0, 0, 0, 1, 2, 4, 8, 16, 32, 60, 60]);
});

it('pauses are random, so that two programs get out of step', () => {
  const contests = createContests({ random: () => 0.5, freeRepairs: 0 });
  expect(contest(contests, 'route', 4)).toEqual([0, 0.5, 1, 2]);
});

it('a subject is contested from the first repair that is not free until a minute of quiet', () => {
  const contests = create();
  contest(contests, 'route', 5);
  expect(contests.contested()).toEqual([]);
  contest(contests, 'route', 2);
  expect([contests.contested(), contests.isContested('route')]).toEqual([['route'], true]);
  // The next one is due after 2 s.
  vi.advanceTimersByTime(61_999);
  expect(contests.isContested('route')).toBe(true);
  vi.advanceTimersByTime(1);
  expect([contests.contested(), contests.isContested('route')]).toEqual([[], false]);
  expect(contest(contests, 'route', 7)).toEqual([0, 0, 0, 0, 0, 0, 1]);
});

it('other subjects are repaired at once meanwhile', () => {
  const contests = create();
  contest(contests, 'route', 20);
  expect(contest(contests, 'rule', 1)).toEqual([0]);
  expect(contests.contested()).toEqual(['route']);
});
