import { expect, it } from 'vitest';
import { describeProgress, describeRest } from '../src/progress.ts';

const progress = { done: 2500, seeds: 10_000, steps: 1_234_567, virtualMs: 720 * 3_600_000, ms: 1_225_000 };

it('says what has been done, and what is left at the same pace', () => {
  expect(describeProgress(progress)).toBe(
    '2,500 of 10,000 seeds in 20 min 25 s (2.04 a second), 720 virtual hours, 1,234,567 steps',
  );
  expect(describeRest(progress)).toBe('1 h 1 min left');
});

it('knows no pace before a seed is done', () => {
  expect(describeRest({ ...progress, done: 0 })).toBe('no seed is done');
});
