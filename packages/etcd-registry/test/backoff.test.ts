import { expect, it } from 'vitest';
import { createBackoff } from '../src/backoff.ts';

const almostOne = 1 - Number.EPSILON;

it('delays are random from nothing to a bound that doubles up to a minute', () => {
  const most = createBackoff(() => almostOne);
  const least = createBackoff(() => 0);
  const bounds = Array.from({ length: 12 }, () => Math.round(most.next()));
  expect(bounds).toEqual([100, 200, 400, 800, 1600, 3200, 6400, 12_800, 25_600, 51_200, 60_000, 60_000]);
  expect(Array.from({ length: 12 }, () => least.next())).toEqual(Array.from({ length: 12 }, () => 0));
});

it('the first bound is back after a success that outlasts the bound or 10 s, and not after a shorter one', () => {
  const backoff = createBackoff(() => almostOne);
  for (let attempt = 0; attempt < 5; attempt++) backoff.next();
  backoff.worked(3_000);
  expect(Math.round(backoff.next())).toBe(3_200);
  backoff.worked(6_500);
  expect(Math.round(backoff.next())).toBe(100);
  for (let attempt = 0; attempt < 20; attempt++) backoff.next();
  backoff.worked(10_001);
  expect(Math.round(backoff.next())).toBe(100);
});
