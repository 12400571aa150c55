import { expect, it } from 'vitest';
import { parseDuration } from '../src/duration.ts';

it.each([
  ['24h', 86_400_000],
  ['1h30m', 5_400_000],
  ['90s', 90_000],
  ['1.5m', 90_000],
  ['250ms', 250],
])('%s is %i ms', (text, ms) => {
  expect(parseDuration(text)).toBe(ms);
});

it.each(['', '24', 'h', '-1h', '1h 30m', '1d', '1.h', 'Infinity', '1e3s'])('%j is no duration', (text) => {
  expect(parseDuration(text)).toBeUndefined();
});
