import { availableParallelism } from 'node:os';
import { expect, it } from 'vitest';
import { parseOptions } from '../src/options.ts';

it('takes defaults for what is left out', () => {
  expect(parseOptions([])).toEqual({
    ...{ seeds: 100, from: 1, minutes: Infinity, days: 10, daemons: 10, dualStack: false },
    ...{ jobs: availableParallelism(), seed: undefined, faults: undefined },
  });
});

it('takes a seed and the numbers of its faults', () => {
  expect(parseOptions(['--seed', '7', '--faults', '3,17'])).toMatchObject({ seed: 7, faults: [3, 17] });
  expect(parseOptions(['--seed', '7', '--faults', 'none'])).toMatchObject({ faults: [] });
});

it.each([
  [['--seeds', '0'], '--seeds must be a whole number from 1 on, not "0"; see --help'],
  [['--faults', '1,x'], '--faults must be a whole number from 0 on, not "x"; see --help'],
  [['--sedes', '1'], "Unknown option '--sedes'"],
])('refuses %j with a message that says why', (args, message) => {
  expect(() => parseOptions(args)).toThrow(message);
});

it('says nothing more when help is asked for', () => {
  expect(parseOptions(['--help'])).toBeUndefined();
});
