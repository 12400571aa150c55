import { afterEach, beforeEach, expect, it, vi } from 'vitest';
import { createFailures, type Failures } from '../src/failures.ts';
import type { DeviceEvent } from '../src/index.ts';

const refused = new Error('refused');
const failedAt = (...what: string[]) => new Map(what.map((text) => [text, refused]));

let told: string[];
let attempts: number;
let failures: Failures;

beforeEach(() => {
  vi.useFakeTimers();
  told = [];
  attempts = 0;
  failures = createFailures({
    onEvent: (event: DeviceEvent) => {
      if (event.kind === 'failed') told.push(event.what);
    },
    tryAgain: () => {
      attempts++;
    },
  });
});
afterEach(() => {
  failures[Symbol.dispose]();
  expect(vi.getTimerCount()).toBe(0);
  vi.useRealTimers();
});

it('tells what failed once, and once more after it worked', () => {
  failures.replace(failedAt('a', 'b'));
  failures.replace(failedAt('a'));
  failures.replace(failedAt('a', 'b'));
  expect(told).toEqual(['a', 'b', 'b']);
});

it('keeps what failed before beside what a change failed at', () => {
  failures.replace(failedAt('a'));
  failures.add(failedAt('b'));
  failures.replace(failedAt('a', 'b'));
  expect(told).toEqual(['a', 'b']);
});

it('tries again after 1 s, then 2 s, and so on to every 30 s', () => {
  const seconds: number[] = [];
  for (let second = 0, seen = 0; second < 120; second++) {
    failures.replace(failedAt('a'));
    vi.advanceTimersByTime(1_000);
    if (attempts > seen) seconds.push(second + 1);
    seen = attempts;
  }
  expect(seconds).toEqual([1, 3, 7, 15, 31, 61, 91]);
});

it('is not put off by changes that come all the time', () => {
  failures.replace(failedAt('a'));
  for (let change = 0; change < 10; change++) {
    vi.advanceTimersByTime(100);
    failures.add(new Map());
  }
  expect(attempts).toBe(1);
});

it('begins at 1 s again after everything worked', () => {
  failures.replace(failedAt('a'));
  vi.advanceTimersByTime(1_000);
  failures.replace(new Map());
  expect(vi.getTimerCount()).toBe(0);
  failures.replace(failedAt('a'));
  vi.advanceTimersByTime(1_000);
  expect(attempts).toBe(2);
});
