import { afterEach, beforeEach, expect, it, vi } from 'vitest';
import { createFailures, type Failures } from '../src/failures.ts';
import type { DeviceEvent } from '../src/index.ts';

const refused = new Error('refused');
const failedAt = (...what: string[]) => new Map(what.map((text) => [text, refused]));
const nothing = new Map<string, Error>();

let reported: string[];
let attempts: number;
let jitter: number;
let failures: Failures;

beforeEach(() => {
  vi.useFakeTimers();
  reported = [];
  attempts = 0;
  jitter = 1;
  failures = createFailures({
    onEvent: (event: DeviceEvent) => reported.push(event.kind === 'failed' ? event.what : event.kind),
    tryAgain: () => {
      attempts++;
    },
    random: () => jitter,
  });
});
afterEach(() => {
  failures[Symbol.dispose]();
  expect(vi.getTimerCount()).toBe(0);
  vi.useRealTimers();
});

/** Seconds after which there was another attempt, while every attempt fails. */
function attemptsWithin(total: number): number[] {
  const seconds: number[] = [];
  for (let second = 1; second <= total; second++) {
    const before = attempts;
    failures.replace('keep', failedAt('a'));
    vi.advanceTimersByTime(1_000);
    if (attempts > before) seconds.push(second);
  }
  return seconds;
}

it('reports what fails once, and again after it worked', () => {
  failures.replace('keep', failedAt('a', 'b'));
  failures.replace('keep', failedAt('a'));
  failures.replace('keep', failedAt('a', 'b'));
  expect(reported).toEqual(['a', 'b', 'b']);
});

it('reports what fails again when it fails for another reason', () => {
  failures.replace('keep', failedAt('a'));
  failures.replace('keep', new Map([['a', new Error('no such device')]]));
  expect(reported).toEqual(['a', 'a']);
});

it('keeps what failed before beside what a change failed at', () => {
  failures.replace('keep', failedAt('a'));
  failures.add(failedAt('b'));
  failures.replace('keep', failedAt('a', 'b'));
  expect(reported).toEqual(['a', 'b']);
});

it('reports the end when nothing fails any more, and no earlier', () => {
  failures.replace('keep', nothing);
  failures.replace('keep', failedAt('a', 'b'));
  failures.replace('watch', failedAt('c'));
  failures.replace('keep', failedAt('b'));
  failures.replace('keep', nothing);
  expect(reported).toEqual(['a', 'b', 'c']);
  failures.replace('watch', nothing);
  expect(reported).toEqual(['a', 'b', 'c', 'recovered']);
});

it('tries again with pauses of 1 s, 2 s, and so on to 60 s', () => {
  expect(attemptsWithin(250)).toEqual([1, 3, 7, 15, 31, 63, 123, 183, 243]);
});

it('shortens the pauses by a random part of them', () => {
  jitter = 0.25;
  // After 0.25 s, 0.5 s, 1 s, 2 s, 4 s, 8 s, and then every 15 s.
  expect(attemptsWithin(45)).toEqual([1, 2, 3, 5, 9, 17, 32]);
});

it('is not put off by changes that come all the time', () => {
  failures.replace('keep', failedAt('a'));
  for (let change = 0; change < 10; change++) {
    vi.advanceTimersByTime(100);
    failures.add(nothing);
  }
  expect(attempts).toBe(1);
});

it('begins at 1 s again after everything worked', () => {
  attemptsWithin(20);
  failures.replace('keep', nothing);
  expect(vi.getTimerCount()).toBe(0);
  expect(attemptsWithin(1)).toEqual([1]);
});

it('leaves a broken subscription to those who open it again', () => {
  failures.replace('watch', failedAt('watch the kernel'));
  expect(vi.getTimerCount()).toBe(0);
});
