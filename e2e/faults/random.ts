/** Random choices that follow from one seed. */
export interface Random {
  /** Returns a number from 0 up to, and without, 1. */
  next(): number;
  /** Returns a whole number from `least` to `most`, both included. */
  integer(least: number, most: number): number;
  pick<T>(from: readonly T[]): T;
  chance(probability: number): boolean;
}

/**
 * Creates a generator (Mulberry32). Each round of a run has one of its own, so that what a round draws changes nothing
 * in the next.
 * @param round - number of the round
 */
export function createRandom(seed: number, round: number): Random {
  let state = Math.imul(seed, 0x9e3779b1) ^ Math.imul(round + 1, 0x85ebca6b);
  const next = () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
  return {
    next,
    integer: (least, most) => least + Math.floor(next() * (most - least + 1)),
    pick: (from) => from[Math.floor(next() * from.length)]!,
    chance: (probability) => next() < probability,
  };
}
