import { describe, expect, it } from 'vitest';
import { checkRegisters, type Operation, type Outcome, type RegisterRequest } from '../src/index.ts';

const KEY = '10.5.1.0-24';

/** An operation in a line: when it was called and returned, what it asked and what came back. */
function op(times: readonly [number, number], request: RegisterRequest, outcome: Outcome): Operation {
  return { key: KEY, client: 'a host', invokedAt: times[0], returnedAt: times[1], request, outcome };
}

const create = (value: string): RegisterRequest => ({ kind: 'create', value });
const update = (expected: string, value: string): RegisterRequest => ({ kind: 'update', expected, value });
const read: RegisterRequest = { kind: 'read' };
const ok = (revision?: string): Outcome => ({ kind: 'ok', revision });
const refused: Outcome = { kind: 'refused' };
const unknown: Outcome = { kind: 'unknown' };
const saw = (revision: string, value: string): Outcome => ({ kind: 'seen', seen: { revision, value } });
const sawNothing: Outcome = { kind: 'seen', seen: 'nothing' };

const good: Record<string, readonly Operation[]> = {
  'nothing at all': [],
  'one create after another, the second one refused': [
    op([0, 1], create('a'), ok('1')),
    op([2, 3], create('b'), refused),
  ],
  'a read during a write that sees what was before': [
    op([0, 1], create('a'), ok('1')),
    op([2, 9], update('1', 'b'), ok('2')),
    op([3, 4], read, saw('1', 'a')),
    op([5, 6], read, saw('2', 'b')),
  ],
  'a write whose answer was lost, seen later': [
    op([0, Infinity], create('a'), unknown),
    op([5, 6], read, sawNothing),
    op([7, 8], read, saw('1', 'a')),
    op([9, 10], update('1', 'b'), ok('2')),
  ],
  'a write whose answer was lost, and that never was': [
    op([0, Infinity], create('a'), unknown),
    op([5, 6], create('b'), ok('2')),
  ],
  'two writes whose answers were lost, the first one deleted by its revision': [
    op([0, Infinity], create('a'), unknown),
    op([1, 2], read, saw('1', 'a')),
    op([3, 4], { kind: 'delete', expected: '1' }, ok()),
    op([5, Infinity], create('b'), unknown),
    op([6, 7], create('c'), refused),
    op([8, 9], update('1', 'd'), { kind: 'refused', seen: { revision: '2', value: 'b' } }),
  ],
  'a version whose time is over': [
    op([0, 1], { kind: 'create', value: 'a', mayExpireAt: 10 }, ok('1')),
    op([11, 12], create('b'), ok('2')),
  ],
  'a delete, and the same key again': [
    op([0, 1], create('a'), ok('1')),
    op([2, 3], { kind: 'delete', expected: '1' }, ok()),
    op([4, 5], create('b'), ok('2')),
  ],
  'an operator between two hosts': [
    op([0, 1], create('a'), ok('1')),
    op([2, 3], { kind: 'put', value: 'x' }, ok('2')),
    op([4, 5], update('1', 'b'), { kind: 'refused', seen: { revision: '2', value: 'x' } }),
    op([6, 7], { kind: 'remove' }, ok()),
    op([8, 9], read, sawNothing),
  ],
};

const bad: Record<string, readonly Operation[]> = {
  'two creates that both succeed': [op([0, 5], create('a'), ok('1')), op([1, 6], create('b'), ok('2'))],
  'two updates of one version that both succeed': [
    op([0, 1], create('a'), ok('1')),
    op([2, 9], update('1', 'b'), ok('2')),
    op([3, 8], update('1', 'c'), ok('3')),
  ],
  'a read that sees what was replaced before it was called': [
    op([0, 1], create('a'), ok('1')),
    op([2, 3], update('1', 'b'), ok('2')),
    op([4, 5], read, saw('1', 'a')),
  ],
  'two reads that go back in time': [
    op([0, 1], create('a'), ok('1')),
    op([2, 9], update('1', 'b'), ok('2')),
    op([3, 4], read, saw('2', 'b')),
    op([5, 6], read, saw('1', 'a')),
  ],
  'a create that is refused although there is nothing': [op([0, 1], create('a'), refused)],
  'a lost write': [op([0, 1], create('a'), ok('1')), op([2, 3], read, sawNothing)],
  'a version that vanishes before its time': [
    op([0, 1], { kind: 'create', value: 'a', mayExpireAt: 10 }, ok('1')),
    op([5, 6], create('b'), ok('2')),
  ],
  'a write whose answer was lost and that takes effect twice': [
    op([0, 1], create('a'), ok('1')),
    op([2, Infinity], update('1', 'b'), unknown),
    op([3, 4], read, saw('2', 'b')),
    op([5, 6], update('2', 'c'), ok('3')),
    op([7, 8], read, saw('4', 'b')),
  ],
  'a value that no one wrote': [op([0, 1], create('a'), ok('1')), op([2, 3], read, saw('1', 'b'))],
};

describe('a lease register', () => {
  it.each(Object.keys(good))('is linearizable with %s', (name) => {
    expect(checkRegisters(good[name]!)).toEqual({ kind: 'linearizable' });
  });

  it.each(Object.keys(bad))('is not linearizable with %s', (name) => {
    expect(checkRegisters(bad[name]!)).toMatchObject({ kind: 'violation', key: KEY });
  });

  it('is one for each key', () => {
    const [first, second] = bad['two creates that both succeed']!;
    const other = { ...second!, key: '10.5.2.0-24' };
    expect(checkRegisters([first!, other])).toEqual({ kind: 'linearizable' });
  });

  it('explains what cannot be put in order', () => {
    const verdict = checkRegisters(bad['a read that sees what was replaced before it was called']!);
    expect(verdict.kind === 'violation' && verdict.explanation).toContain(
      '[4, 5] a host read 10.5.1.0-24: seen 1',
    );
  });

  it('is undecided when the search takes too long', () => {
    expect(checkRegisters(good['an operator between two hosts']!, { limit: 2 })).toEqual({
      kind: 'undecided',
      key: KEY,
    });
  });
});
