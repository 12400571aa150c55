import { encodeLeaseAttributes, leaseKey, type LeaseEvent } from '@flannel-ts/subnet';
import { parseAddress } from '@flannel-ts/ip';
import { expect, it } from 'vitest';
import { checkWatch, type LogStep, type WatchStep } from '../src/index.ts';
import type { WatchRules } from '../src/registry/watch.ts';
import { createRandom } from '../src/world/random.ts';
import { createRegistryWorld } from './support/registry-world.ts';

const MINUTE_MS = 60_000;
const WRITES = 300;

/** Checks what a watch reports of random writes, while its stream breaks and backups are restored. */
async function watchWrites(seed: string, rules: WatchRules, { deaf = false } = {}) {
  const random = createRandom(seed);
  const log: LogStep[] = [];
  const world = createRegistryWorld({
    ...{ seed, rules },
    observer: {
      written: ({ key, after }) =>
        log.push(after ? { kind: 'put', key, revision: after.version } : { kind: 'removed', key }),
      replaced: () => log.push({ kind: 'replaced', entries: entriesOf() }),
    },
  });
  const { scheduler, store, watches } = world;
  const entriesOf = () =>
    Object.fromEntries([...store.entries.values()].map(({ key, version }) => [key, version]));
  let backup = store.backUp();
  const value = () => encodeLeaseAttributes({ publicIp: { ipv4: parseAddress('192.0.2.1') } });
  const actions = [
    ...Array.from({ length: 8 }, () => () => store.put(`10.5.${random.integer(1, 9)}.0-24`, value())),
    () => store.delete(`10.5.${random.integer(1, 9)}.0-24`),
    () => [...watches][0]!.interrupt(),
    () => store.compact(),
    () => (backup = store.backUp()),
    () => store.restore(backup),
    () => store.skipRevisions(random.integer(1, 50)),
    () => ([...watches][0]!.deaf = deaf && random.chance(0.5)),
  ];
  for (let write = 0; write < WRITES; write++) {
    scheduler.at(random.next() * 60 * MINUTE_MS, () => random.pick(actions)());
  }
  scheduler.at(60 * MINUTE_MS, () => ([...watches][0]!.deaf = false));
  const ended = new AbortController();
  const watched: WatchStep[] = [];
  const watching = (async () => {
    for await (const event of world.open('host').watchLeases({ signal: ended.signal }))
      watched.push(...toSteps(event));
  })();
  await scheduler.run(70 * MINUTE_MS);
  ended.abort();
  await watching;
  return checkWatch(log, watched, { caughtUp: true });
}

function toSteps(event: LeaseEvent): WatchStep[] {
  if (event.kind === 'snapshot') {
    const entries = Object.fromEntries(event.leases.map((lease) => [leaseKey(lease), lease.revision]));
    return [{ kind: 'snapshot', entries }];
  }
  return event.changes.map((change) =>
    change.kind === 'removed'
      ? { kind: 'removed', key: leaseKey(change) }
      : { kind: 'put', key: leaseKey(change.lease), revision: change.lease.revision },
  );
}

const SEEDS = Array.from({ length: 30 }, (_, index) => `watch ${index}`);

async function countWrong(rules: WatchRules, options?: { readonly deaf: boolean }): Promise<number> {
  const verdicts = await Promise.all(SEEDS.map((seed) => watchWrites(seed, rules, options)));
  return verdicts.filter((verdict) => verdict !== undefined).length;
}

const listing = { listAfterInterruption: true, listPeriodically: true };

it('a simulated watch is ordered, unique and complete, whatever breaks', async () => {
  for (const seed of SEEDS) {
    expect({ seed, problem: await watchWrites(seed, listing) }).toEqual({ seed });
  }
});

it('a watch that does not list after a restore at once is found by its history', async () => {
  expect(await countWrong({ ...listing, listAfterInterruption: false })).toBeGreaterThan(10);
});

it('a watch that misses changes without an error is found by its history', async () => {
  expect(await countWrong(listing, { deaf: true })).toBeGreaterThan(20);
});

it('a watch reports renewals of others with the next other change, or a hundred of them', async () => {
  const world = createRegistryWorld({
    seed: 'renewals',
    keepsRenewalsBack: true,
  });
  const { scheduler, store } = world;
  const value = (host: number) =>
    encodeLeaseAttributes({ publicIp: { ipv4: parseAddress(`192.0.2.${host}`) } });
  const renew = (count: number) => {
    for (let time = 0; time < count; time++) store.put('10.5.1.0-24', value(1));
  };
  const ended = new AbortController();
  const reported: number[] = [];
  const watching = (async () => {
    for await (const event of world.open('host').watchLeases({ signal: ended.signal }))
      if (event.kind === 'delta') reported.push(event.changes.length);
  })();
  store.put('10.5.1.0-24', value(1));
  scheduler.at(10 * MINUTE_MS, () => renew(99));
  scheduler.at(20 * MINUTE_MS, () => expect(reported).toEqual([]));
  scheduler.at(20 * MINUTE_MS, () => store.put('10.5.1.0-24', value(2)));
  scheduler.at(30 * MINUTE_MS, () => store.put('10.5.1.0-24', value(1)));
  scheduler.at(40 * MINUTE_MS, () => renew(100));
  await scheduler.run(50 * MINUTE_MS);
  ended.abort();
  await watching;
  expect(reported).toEqual([100, 1, 100]);
});
