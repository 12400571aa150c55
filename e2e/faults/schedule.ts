import type { Fault } from './fault.ts';
import { accessFaults } from './kinds/access.ts';
import { configFaults } from './kinds/config.ts';
import { daemonFaults } from './kinds/daemons.ts';
import { etcdFaults } from './kinds/etcd.ts';
import { leaseFaults } from './kinds/leases.ts';
import { linkFaults } from './kinds/links.ts';
import { pathFaults } from './kinds/paths.ts';
import { tamperingFaults } from './kinds/tampering.ts';
import { createRandom, type Random } from './random.ts';
import type { World } from './world.ts';

const TABLES: readonly (readonly Fault[])[] = [
  daemonFaults,
  etcdFaults,
  pathFaults,
  leaseFaults,
  configFaults,
  linkFaults,
  tamperingFaults,
  accessFaults,
];

export const KINDS: readonly string[] = TABLES.flat().map(({ kind }) => kind);

/** How often a second fault is on at the same time. */
const COMBINED = 0.25;

/** What one round of a run makes. */
export interface Round {
  readonly number: number;
  readonly faults: readonly Fault[];
  readonly random: Random;
}

/**
 * Yields rounds without end: every kind once, in an order that the seed shuffles, then all again in another order.
 * Kinds that do not suit the world are left out.
 * @param options.only - kinds to take, instead of all
 */
export function* schedule(
  world: World,
  { seed, only }: { readonly seed: number; readonly only: readonly string[] },
): Generator<Round> {
  const all = TABLES.flat().filter(({ kind }) => only.length === 0 || only.includes(kind));
  for (let number = 0; ;) {
    const deck = shuffle(all, createRandom(seed, -1 - number));
    for (const fault of deck) {
      const random = createRandom(seed, number);
      const partners = TABLES.filter((table) => !table.includes(fault)).flat();
      const partner = random.pick(partners.filter(({ combines }) => combines));
      const combined = fault.combines === true && only.length === 0 && random.chance(COMBINED);
      number++;
      if (fault.suits && !fault.suits(world)) continue;
      yield { number: number - 1, faults: combined ? [fault, partner] : [fault], random };
    }
    if (!deck.some(({ suits }) => !suits || suits(world))) return;
  }
}

function shuffle<T>(items: readonly T[], random: Random): readonly T[] {
  const shuffled = [...items];
  for (let last = shuffled.length - 1; last > 0; last--) {
    const other = random.integer(0, last);
    [shuffled[last], shuffled[other]] = [shuffled[other]!, shuffled[last]!];
  }
  return shuffled;
}
