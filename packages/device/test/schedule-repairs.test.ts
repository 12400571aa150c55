import { createContests, type Contests } from '@flannel-ts/backoff';
import { afterEach, beforeEach, expect, it, vi } from 'vitest';
import { createRepairSchedule, type RepairSchedule } from '../src/schedule-repairs.ts';

const ROUTE = 'route 10.5.7.0/24';
const OTHER = 'route 10.5.8.0/24';

/** What was repaired, with the milliseconds since the beginning. */
let repairs: { readonly what: string; readonly atMs: number }[];
let contests: Contests;
let schedule: RepairSchedule;

beforeEach(() => {
  vi.useFakeTimers();
  const beginMs = performance.now();
  const repaired = (what: string) => repairs.push({ what, atMs: performance.now() - beginMs });
  repairs = [];
  contests = createContests({ random: () => 1, freeRepairs: 4 });
  schedule = createRepairSchedule({
    contests,
    repair: (keys) => repaired([...keys].join(', ')),
    reconcile: () => repaired('everything'),
  });
});
afterEach(() => {
  schedule[Symbol.dispose]();
  expect(vi.getTimerCount()).toBe(0);
  vi.useRealTimers();
});

/** Another process that changes something back within 10 ms, again and again. */
function contest(drift: () => void, durationMs: number): void {
  for (let elapsedMs = 0; elapsedMs < durationMs; elapsedMs += 10) {
    drift();
    vi.advanceTimersByTime(10);
  }
}

const times = () => repairs.map(({ atMs }) => Math.round(atMs / 100) * 100);

it('repairs a few times at once, and then after pauses of 1 s, 2 s, and so on to a minute', () => {
  contest(() => schedule.entry(ROUTE), 200_000);
  // 1 s · (2ⁿ - 1), until the pause is a minute.
  const seconds = [0, 0.1, 0.2, 0.3, 0.4, 1.4, 3.4, 7.4, 15.4, 31.4, 63.4, 123.4, 183.4];
  expect(times()).toEqual(seconds.map((time) => time * 1_000));
});

it('repairs another entry at once while one is contested', () => {
  contest(() => schedule.entry(ROUTE), 60_000);
  repairs = [];
  schedule.entry(OTHER);
  vi.advanceTimersByTime(0);
  expect(repairs.map(({ what }) => what)).toEqual([OTHER]);
});

it('repairs at once again when the entry was left alone for a minute', () => {
  contest(() => schedule.entry(ROUTE), 60_000);
  vi.advanceTimersByTime(120_000);
  repairs = [];
  schedule.entry(ROUTE);
  vi.advanceTimersByTime(0);
  expect(repairs).toHaveLength(1);
});

it('compares everything ever less often for a link that another process keeps changing', () => {
  contest(() => schedule.everything('link flannel.1'), 100_000);
  expect(repairs).toHaveLength(11);
  expect(contests.contested()).toEqual(['link flannel.1']);
});

it('takes a link that is as desired again for none that is contested', () => {
  contest(() => {
    schedule.everything('link flannel.1');
    schedule.settled('link flannel.1');
    schedule.everything();
  }, 10_000);
  expect(repairs.length).toBeGreaterThan(90);
  expect(contests.contested()).toEqual([]);
});

it('repairs a burst at once, ten times a second at most, and nothing that is as desired again', () => {
  for (let round = 0; round < 100; round++) {
    schedule.entry(`route ${round}`);
    schedule.entry(OTHER);
    schedule.settled(OTHER);
    vi.advanceTimersByTime(10);
  }
  expect(repairs.length).toBeLessThanOrEqual(11);
  expect(repairs.map(({ what }) => what).join()).not.toContain(OTHER);
});
