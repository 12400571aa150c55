import { describe, expect, it } from 'vitest';
import { realComponents, runSeed, type Components, type RunRequest } from '../src/index.ts';
import * as acquirers from './support/broken-acquirers.ts';
import * as followers from './support/broken-followers.ts';
import * as keepers from './support/broken-keepers.ts';

/** Every broken variant is found within these seeds. */
const SEEDS = 60;
const CLUSTER = { daemons: 10, days: 10 };

const { watchRules } = realComponents;

const broken: readonly (readonly [name: string, part: Partial<Components>, problem: RegExp])[] = [
  [
    'a keeper that renews over whatever is there',
    { keepLease: keepers.renewUnconditionally },
    /writes .* over the lease of/,
  ],
  ['a keeper that does not try again', { keepLease: keepers.renewWithoutRetry }, /which (expires|is)/],
  ['a keeper that does not watch', { keepLease: keepers.ignoreWatch }, /keeps .*, which is/],
  [
    'a keeper that makes reservations expire',
    { keepLease: keepers.expireReservations },
    /makes the reservation expire/,
  ],
  ['a keeper that leaks listeners', { keepLease: keepers.leakListeners }, /listeners/],
  ['a keeper that goes by the wall clock', { clock: ({ time }) => time.wall }, /loses .*, which expires/],
  [
    'an acquirer that overwrites on conflict',
    { acquireLease: acquirers.overwriteOnConflict },
    /over the lease of/,
  ],
  [
    'an acquirer that ignores subnet.env',
    { acquireLease: acquirers.ignoreSubnetFile },
    /takes .*, although its previous subnet .* is free/,
  ],
  [
    'an acquirer that forgets the lease which the daemon holds',
    { acquireLease: acquirers.ignoreHeldLease },
    /takes .*, although it holds/,
  ],
  [
    'an acquirer that overlooks wide leases',
    { acquireLease: acquirers.ignoreOtherLengths },
    /which overlaps|has nothing for/,
  ],
  [
    'an identity that compares IPv6 in a network of IPv4',
    { acquireLease: acquirers.compareIPv6 },
    /although .* is its lease already/,
  ],
  [
    'a follower that keeps removed peers',
    { createPeerFollower: followers.keepRemovedPeers },
    /and not nothing/,
  ],
  [
    'a lease table that ignores what a snapshot lacks',
    { createPeerFollower: followers.ignoreMissing },
    /and not nothing|which is not in/,
  ],
  [
    'a lease table that compares revisions only',
    { createPeerFollower: followers.compareRevisions },
    /and not nothing/,
  ],
  [
    'a follower that ends at the nonsense of a peer',
    { createPeerFollower: followers.failAtBadData },
    /ends: TypeError/,
  ],
  [
    'a watch that never lists again',
    { watchRules: { listAfterInterruption: false, listPeriodically: false } },
    /and not|which is/,
  ],
  [
    'a watch that never lists of its own accord',
    { watchRules: { ...watchRules, listPeriodically: false } },
    /and not/,
  ],
];

const SMALL = { daemons: 3, days: 30 };

/** Defects that the code had, and that few seeds find. */
const rare: readonly (readonly [
  name: string,
  part: Partial<Components>,
  problem: RegExp,
  request: RunRequest,
])[] = [
  [
    'a keeper that recreates its lease over a reservation which overlaps it',
    { keepLease: keepers.recreateBlindly },
    /writes .*, which overlaps/,
    { seed: 97, ...SMALL },
  ],
  [
    'a keeper that recreates its lease although another one has its subnet of one family',
    { keepLease: keepers.recreateBlindly },
    /the leases .* overlap/,
    { seed: 46, ...CLUSTER, dualStack: true },
  ],
  [
    'an acquirer that knows the lease which the daemon holds by its revision alone',
    { acquireLease: acquirers.compareRevisions },
    /over the lease of/,
    { seed: 256, ...SMALL },
  ],
  [
    'a keeper that sees of a snapshot only what differs from what the watch has shown before',
    { keepLease: keepers.observeDifferences },
    /keeps .*, which is not in the registry/,
    { seed: 2064, daemons: 100, days: 30 },
  ],
];

/** The first failure of the seeds. */
async function findFailure(components: Components): Promise<string | undefined> {
  for (let seed = 1; seed <= SEEDS; seed++) {
    const { failure } = await runSeed({ seed, ...CLUSTER }, { components });
    if (failure) return `seed ${seed}: ${failure.problem}`;
  }
  return undefined;
}

describe('the simulator', () => {
  it('finds nothing in the real code', async () => {
    expect(await findFailure(realComponents)).toBeUndefined();
  });

  it.each(rare)('finds %s', async (_, part, problem, request) => {
    const { failure } = await runSeed(request, { components: { ...realComponents, ...part } });
    expect(failure?.problem).toMatch(problem);
    expect(await runSeed(request)).toMatchObject({ failure: undefined });
  });

  it.each(broken)('finds %s', async (_, part, problem) => {
    expect(await findFailure({ ...realComponents, ...part })).toMatch(problem);
  });
});
