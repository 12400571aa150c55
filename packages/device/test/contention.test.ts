import { afterEach, beforeEach, expect, it, vi } from 'vitest';
import { createContention, type Contention } from '../src/contention.ts';
import { createRepairSchedule, type RepairSchedule } from '../src/schedule-repairs.ts';

const ROUTE = 'route 10.5.7.0/24';
const OTHER = 'route 10.5.8.0/24';

/** What was repaired, with the milliseconds since the beginning. */
let repairs: { readonly what: string; readonly atMs: number }[];
let reported: string[];
let contention: Contention;
let schedule: RepairSchedule;

beforeEach(() => {
  vi.useFakeTimers();
  const beginMs = performance.now();
  const repaired = (what: string) => repairs.push({ what, atMs: performance.now() - beginMs });
  repairs = [];
  reported = [];
  contention = createContention({ onEvent: (event) => reported.push(JSON.stringify(event)) });
  schedule = createRepairSchedule({
    contention,
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

it('repairs at once, and then after pauses of 100 ms, 200 ms, and so on to a minute', () => {
  contest(() => schedule.entry(ROUTE), 200_000);
  expect(times()).toEqual(
    // 100 ms · (2ⁿ - 1), until the pause is a minute.
    [0, 100, 300, 700, 1_500, 3_100, 6_300, 12_700, 25_500, 51_100, 102_300, 162_300],
  );
});

it('repairs another entry at once while one is contested', () => {
  contest(() => schedule.entry(ROUTE), 60_000);
  repairs = [];
  schedule.entry(OTHER);
  vi.advanceTimersByTime(0);
  expect(repairs.map(({ what }) => what)).toEqual([OTHER]);
});

it('reports a contest when it begins, once an hour while it lasts, and not its repairs', () => {
  contest(() => schedule.entry(ROUTE), 1_000);
  expect(reported).toEqual([]);
  expect(contention.isContested(ROUTE)).toBe(false);
  contest(() => schedule.entry(ROUTE), 60_000);
  const event = JSON.stringify({ kind: 'contested', what: ROUTE });
  expect(reported).toEqual([event]);
  expect(contention.isContested(ROUTE)).toBe(true);
  contest(() => schedule.entry(ROUTE), 3 * 3_600_000);
  expect(reported).toEqual([event, event, event, event]);
});

it('reports when everything was left alone for two minutes', () => {
  contest(() => {
    schedule.entry(ROUTE);
    contention.forgetCalm();
  }, 300_000);
  expect(reported).toEqual([JSON.stringify({ kind: 'contested', what: ROUTE })]);
  for (let minute = 0; minute < 5; minute++) {
    contention.forgetCalm();
    vi.advanceTimersByTime(60_000);
  }
  expect(reported.slice(1)).toEqual([JSON.stringify({ kind: 'uncontested' })]);
});

it('repairs at once again when the entry was left alone for two minutes', () => {
  contest(() => schedule.entry(ROUTE), 60_000);
  vi.advanceTimersByTime(180_000);
  expect(contention.isContested(ROUTE)).toBe(false);
  repairs = [];
  schedule.entry(ROUTE);
  vi.advanceTimersByTime(0);
  expect(repairs).toHaveLength(1);
});

it('compares everything ever less often for a link that another process keeps changing', () => {
  contest(() => schedule.everything('link flannel.1'), 100_000);
  expect(repairs).toHaveLength(10);
  expect(reported).toEqual([JSON.stringify({ kind: 'contested', what: 'link flannel.1' })]);
});

it('takes a link that is as desired again for none that is contested', () => {
  contest(() => {
    schedule.everything('link flannel.1');
    schedule.settled('link flannel.1');
    schedule.everything();
  }, 10_000);
  expect(repairs.length).toBeGreaterThan(90);
  expect(reported).toEqual([]);
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
