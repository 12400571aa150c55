import fc from 'fast-check';
import { expect, it } from 'vitest';
import { createBackoff, fullJitterMs } from '../src/index.ts';

const almostOne = () => 1 - Number.EPSILON;

it('delays are random from nothing to a bound that doubles up to a minute', () => {
  const most = createBackoff({ random: almostOne, firstMs: 100 });
  const least = createBackoff({ random: () => 0 });
  const bounds = Array.from({ length: 12 }, () => Math.round(most.next()));
  expect(bounds).toEqual([100, 200, 400, 800, 1600, 3200, 6400, 12_800, 25_600, 51_200, 60_000, 60_000]);
  expect(Array.from({ length: 12 }, () => least.next())).toEqual(Array.from({ length: 12 }, () => 0));
});

it('no delay is negative, endless or longer than the longest, however many attempts have failed', () => {
  fc.assert(
    fc.property(
      fc.integer({ min: 1, max: 1e9 }),
      fc.double({ min: 0, max: 0.999, noNaN: true }),
      (failures, value) => {
        const delay = fullJitterMs(failures, { random: () => value });
        expect(delay).toBeGreaterThanOrEqual(0);
        expect(delay).toBeLessThan(60_000);
      },
    ),
  );
});

it('the first bound is back after a reset', () => {
  const backoff = createBackoff({ random: almostOne });
  for (let attempt = 0; attempt < 5; attempt++) backoff.next();
  backoff.reset();
  expect(Math.round(backoff.next())).toBe(1_000);
});

it('the first bound is back after a success that outlasts the bound or 10 s, and not after a shorter one', () => {
  const backoff = createBackoff({ random: almostOne, firstMs: 100 });
  for (let attempt = 0; attempt < 5; attempt++) backoff.next();
  backoff.worked(3_000);
  expect(Math.round(backoff.next())).toBe(3_200);
  backoff.worked(6_500);
  expect(Math.round(backoff.next())).toBe(100);
  for (let attempt = 0; attempt < 20; attempt++) backoff.next();
  backoff.worked(10_001);
  expect(Math.round(backoff.next())).toBe(100);
});
