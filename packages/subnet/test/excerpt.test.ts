import fc from 'fast-check';
import { expect, it } from 'vitest';
import { excerpt } from '../src/index.ts';

it.each([
  ['text', '"text"'],
  [{ a: [1] }, '{"a":[1]}'],
  [undefined, 'undefined'],
  [1n, 'a value of type bigint'],
])('shows %o as %s', (value, text) => {
  expect(excerpt(value)).toBe(text);
});

it('cuts a long value to 100 characters', () => {
  expect(excerpt('x'.repeat(1_000_000))).toBe(`"${'x'.repeat(98)}…`);
  expect(excerpt(Array.from({ length: 1000 }, () => 1))).toMatch(/^\[1,1,.*…$/);
});

it('never throws and never shows more, whatever the value', () => {
  const nested: unknown = JSON.parse(`${'['.repeat(10_000)}${']'.repeat(10_000)}`);
  fc.assert(
    fc.property(fc.oneof(fc.anything(), fc.string({ maxLength: 300 }), fc.constant(nested)), (value) => {
      expect(excerpt(value).length).toBeLessThanOrEqual(100);
    }),
  );
});
