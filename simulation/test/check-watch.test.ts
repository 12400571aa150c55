import { describe, expect, it } from 'vitest';
import { checkWatch, type LogStep, type WatchStep } from '../src/index.ts';

const put = (key: string, revision: string) => ({ kind: 'put', key, revision }) as const;
const removed = (key: string) => ({ kind: 'removed', key }) as const;
const snapshot = (entries: Record<string, string>) => ({ kind: 'snapshot', entries }) as const;

const log: readonly LogStep[] = [
  put('a', '1'),
  put('b', '2'),
  put('a', '3'),
  removed('b'),
  { kind: 'replaced', entries: { a: '1' } },
  put('c', '2'),
];

const good: Record<string, readonly WatchStep[]> = {
  'a snapshot and all changes up to a restore, then a snapshot': [
    snapshot({}),
    ...[put('a', '1'), put('b', '2'), put('a', '3'), removed('b')],
    snapshot({ a: '1' }),
    put('c', '2'),
  ],
  'a snapshot that stands for changes that were missed': [
    snapshot({ a: '1' }),
    put('b', '2'),
    snapshot({ a: '1', c: '2' }),
  ],
  'the same snapshot twice': [snapshot({ a: '1', c: '2' }), snapshot({ a: '1', c: '2' })],
  'a snapshot that fits in two places, of which the later one counts': [snapshot({ a: '1' }), put('c', '2')],
};

const bad: readonly (readonly [string, readonly WatchStep[], RegExp])[] = [
  ['does not begin with a snapshot', [put('a', '1')], /no snapshot/],
  ['repeats a change', [snapshot({}), put('a', '1'), put('a', '1')], /reported before/],
  ['leaves a change out', [snapshot({}), put('a', '1'), put('a', '3')], /left out/],
  ['changes the order', [snapshot({ a: '1' }), put('a', '3'), put('b', '2')], /left out/],
  ['invents a change', [snapshot({}), put('z', '1')], /never happened/],
  ['goes on after a restore without a snapshot', [snapshot({ a: '3' }), put('c', '2')], /left out/],
  ['takes an old snapshot', [snapshot({ a: '3' }), snapshot({ a: '1', b: '2' })], /never was from then on/],
  ['ends before the last change', [snapshot({}), put('a', '1')], /ends after 1 of 6 changes/],
];

describe('a watch', () => {
  it.each(Object.keys(good))('is right with %s', (name) => {
    expect(checkWatch(log, good[name]!, { caughtUp: name.startsWith('a snapshot and') })).toBeUndefined();
  });

  it.each(bad)('is wrong when it %s', (_, watched, problem) => {
    expect(checkWatch(log, watched, { caughtUp: true })).toMatch(problem);
  });

  it('may be behind while it has not caught up', () => {
    expect(checkWatch(log, [snapshot({}), put('a', '1')])).toBeUndefined();
  });
});
