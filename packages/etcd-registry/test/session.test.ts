import { parseAddress, parseSubnetKey } from '@flannel-ts/ip';
import {
  RegistryUnavailableError,
  type Lease,
  type LeaseChange,
  type LeaseEvent,
  type LeaseSnapshot,
} from '@flannel-ts/subnet';
import { createFakeClock, createRecordingLog } from '@flannel-ts/subnet/testing';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { createOutages, type RegistryEvent } from '../src/outages.ts';
import { createReconnects, type Reconnects } from '../src/reconnects.ts';
import type { WatchSource, WatchStep } from '../src/watch.ts';
import { watchLeases } from '../src/watcher.ts';

const RELIST_MS = 300_000;
const DELIVERY_MS = 5_000;

function lease(key: string, revision: number): Lease {
  const publicIp = { ipv4: parseAddress('192.0.2.1') };
  return {
    subnets: parseSubnetKey(key),
    attributes: { publicIp },
    revision: `${revision}`,
    expiresAt: 'unknown',
  };
}

const put = (key: string, revision: number): WatchStep<LeaseChange>[number] => ({
  revision: BigInt(revision),
  change: { kind: 'put', lease: lease(key, revision) },
});
const removal = (key: string, revision: number): WatchStep<LeaseChange>[number] => ({
  revision: BigInt(revision),
  change: { kind: 'removed', subnets: parseSubnetKey(key) },
});

/** An etcd whose listings and watches the test answers. */
function scriptedSource() {
  const listings: ((leases: readonly Lease[], revision: number) => void)[] = [];
  const watches: {
    readonly after: bigint;
    readonly step: (...changes: WatchStep<LeaseChange>) => void;
    readonly fail: (error: Error) => void;
  }[] = [];
  const source: WatchSource<LeaseSnapshot, LeaseChange> = {
    list: ({ signal }) => {
      const answer = Promise.withResolvers<LeaseSnapshot & { revision: bigint }>();
      signal?.addEventListener('abort', () => answer.reject(signal.reason as Error));
      listings.push((leases, revision) =>
        answer.resolve({ leases, unreadable: [], revision: BigInt(revision) }),
      );
      return answer.promise;
    },
    follow(after, onStep, signal) {
      const broken = Promise.withResolvers<never>();
      signal.addEventListener('abort', () => broken.reject(signal.reason as Error));
      watches.push({ after, step: (...changes) => onStep(changes), fail: broken.reject });
      return broken.promise;
    },
  };
  return { source, listings, watches };
}

let clock: ReturnType<typeof createFakeClock>;
let log: ReturnType<typeof createRecordingLog>;
let etcd: ReturnType<typeof scriptedSource>;
let reports: RegistryEvent[];
let reconnects: Reconnects;
let words: string[];
let abort: AbortController;
let done: Promise<void>;

const inWords = (event: LeaseEvent) =>
  event.kind === 'snapshot'
    ? `snapshot ${event.leases.map(({ revision }) => revision).join(' ')}`
    : event.changes
        .map((change) => `${change.kind} ${change.kind === 'put' ? change.lease.revision : ''}`)
        .join();

beforeEach(async () => {
  clock = createFakeClock();
  log = createRecordingLog();
  etcd = scriptedSource();
  reports = [];
  words = [];
  abort = new AbortController();
  const outages = createOutages({ clock, onEvent: (event) => void reports.push(event) });
  reconnects = createReconnects();
  const components = { clock, log, random: () => 0.999_999, outages, reconnects, relistMs: RELIST_MS };
  done = (async () => {
    for await (const event of watchLeases(components, etcd.source, abort.signal)) words.push(inWords(event));
  })();
  await clock.advance(0);
  etcd.listings[0]!([lease('10.5.1.0-24', 90)], 100);
  await clock.advance(0);
  etcd.watches[0]!.step();
});
afterEach(async () => {
  abort.abort();
  await done;
});

describe('a watch and its listings', () => {
  it('begin with a listing, and the watch follows after its revision', () => {
    expect(words).toEqual(['snapshot 90']);
    expect(etcd.watches[0]!.after).toBe(100n);
  });

  it('are the listing first after every interruption, whatever its revision', async () => {
    for (const revision of [50, 100, 200]) {
      etcd.watches.at(-1)!.fail(new RegistryUnavailableError('cut'));
      await clock.advance(60_000);
      etcd.listings.at(-1)!([lease('10.5.2.0-24', revision - 1)], revision);
      await clock.advance(0);
      etcd.watches.at(-1)!.step();
      expect(words.at(-1)).toBe(`snapshot ${revision - 1}`);
      expect(etcd.watches.at(-1)!.after).toBe(BigInt(revision));
    }
    expect(reports.map(({ kind }) => kind)).toEqual(
      Array.from({ length: 3 }, () => ['interrupted', 'restored']).flat(),
    );
  });

  it('agree when the watch brings late what a listing has shown, and it is emitted once', async () => {
    await clock.advance(RELIST_MS);
    etcd.listings[1]!([lease('10.5.2.0-24', 110)], 110);
    await clock.advance(0);
    etcd.watches[0]!.step(removal('10.5.1.0-24', 105), put('10.5.2.0-24', 110), put('10.5.3.0-24', 111));
    await clock.advance(DELIVERY_MS);
    expect(words).toEqual(['snapshot 90', 'snapshot 110', 'put 111']);
    expect(log.entries).toEqual([]);
    expect(etcd.watches).toHaveLength(1);
  });

  it('are started again with a warning when the watch has missed what a listing shows', async () => {
    await clock.advance(RELIST_MS);
    etcd.listings[1]!([lease('10.5.2.0-24', 110)], 110);
    await clock.advance(0);
    etcd.watches[0]!.step(put('10.5.2.0-24', 110));
    await clock.advance(DELIVERY_MS);
    const warnings = log.entries.filter(({ level }) => level === 'warn');
    expect(warnings).toMatchObject([{ facts: { missed: ['10.5.1.0-24 removed'], count: 1 } }]);
    await clock.advance(1_000);
    etcd.listings[2]!([lease('10.5.2.0-24', 110)], 120);
    await clock.advance(0);
    expect(etcd.watches[1]!.after).toBe(120n);
    expect(reports).toEqual([]);
  });

  it('drop a listing that is older than what the watch has delivered meanwhile', async () => {
    await clock.advance(RELIST_MS);
    etcd.watches[0]!.step(put('10.5.2.0-24', 120));
    etcd.listings[1]!([lease('10.5.1.0-24', 90)], 110);
    await clock.advance(0);
    expect(words).toEqual(['snapshot 90', 'put 120']);
    await clock.advance(RELIST_MS);
    etcd.listings[2]!([lease('10.5.2.0-24', 120)], 120);
    await clock.advance(0);
    expect(words.at(-1)).toBe('snapshot 120');
  });

  it('are started again when etcd went back while the watch was open', async () => {
    etcd.watches[0]!.step(put('10.5.2.0-24', 120));
    await clock.advance(RELIST_MS);
    etcd.listings[1]!([], 110);
    await clock.advance(1_000);
    etcd.listings[2]!([lease('10.5.3.0-24', 109)], 110);
    await clock.advance(0);
    expect(words.at(-1)).toBe('snapshot 109');
    expect(etcd.watches[1]!.after).toBe(110n);
  });

  it('are started again at once when a reconnect is asked for, also after a long outage', async () => {
    for (let attempt = 0; attempt < 12; attempt++) {
      etcd.watches.at(-1)!.fail(new RegistryUnavailableError('cut'));
      await clock.advance(60_000);
      etcd.listings.at(-1)!([], 100);
      await clock.advance(0);
    }
    etcd.watches.at(-1)!.fail(new RegistryUnavailableError('cut'));
    await clock.advance(10_000);
    const before = etcd.listings.length;
    reconnects.announce();
    await clock.advance(0);
    expect(etcd.listings).toHaveLength(before + 1);
    etcd.listings.at(-1)!([], 100);
    await clock.advance(0);
    reconnects.announce();
    await clock.advance(0);
    expect(etcd.listings).toHaveLength(before + 2);
  });

  it('ignore what the watch brings of the past', async () => {
    etcd.watches[0]!.step(put('10.5.2.0-24', 120));
    etcd.watches[0]!.step(put('10.5.2.0-24', 99), removal('10.5.1.0-24', 119));
    await clock.advance(0);
    expect(words).toEqual(['snapshot 90', 'put 120']);
  });
});
