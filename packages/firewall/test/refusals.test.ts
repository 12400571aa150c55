import { expect, it } from 'vitest';
import { createRefusalLog } from '../src/guard/refusals.ts';

const MINUTE_MS = 60_000;

/** A log on a clock of its own, which takes in the packets without a lease, by source. */
function createLog() {
  let time = 0;
  const log = createRefusalLog(() => time);
  return {
    pass: (ms: number) => (time += ms),
    note: (packets: Record<string, number>, others: Record<string, number> = {}) =>
      log
        .note({
          'no-lease': new Map(Object.entries(packets)),
          'other-interface': new Map(Object.entries(others)),
        })
        .map(({ reason, source, packets: count }) => `${reason} ${source} ${count}`),
  };
}

it('reports each source at once, and then once a minute with what came since', () => {
  const { note, pass } = createLog();
  expect(note({ '192.0.2.9': 3 })).toEqual(['no-lease 192.0.2.9 3']);
  pass(5_000);
  expect(note({ '192.0.2.9': 8, '192.0.2.10': 1 })).toEqual(['no-lease 192.0.2.10 1']);
  pass(MINUTE_MS - 5_000);
  expect(note({ '192.0.2.9': 20, '192.0.2.10': 1 })).toEqual(['no-lease 192.0.2.9 17']);
  pass(MINUTE_MS);
  expect(note({ '192.0.2.9': 20, '192.0.2.10': 1 })).toEqual([]);
});

it('counts a source for each reason by itself, the most packets first', () => {
  const { note } = createLog();
  expect(note({ '10.5.1.2': 1, '192.0.2.9': 3 }, { '10.5.1.2': 2 })).toEqual([
    'no-lease 192.0.2.9 3',
    'other-interface 10.5.1.2 2',
    'no-lease 10.5.1.2 1',
  ]);
});

it('begins again with a source that the kernel forgot, and not before a minute has passed', () => {
  const { note, pass } = createLog();
  expect(note({ '192.0.2.9': 3 })).toHaveLength(1);
  expect(note({})).toEqual([]);
  expect(note({ '192.0.2.9': 2 })).toEqual([]);
  pass(MINUTE_MS);
  expect(note({ '192.0.2.9': 2 })).toEqual(['no-lease 192.0.2.9 2']);
});
