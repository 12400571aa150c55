import { parseAddress, parseSubnetKey, type SubnetPair } from '@flannel-ts/ip';
import { LeaseExistsError, LeaseLostError } from '../errors.ts';
import { createLeaseTable } from '../lease-table.ts';
import { isReadable, leaseKey, type Lease, type LeaseAttributes } from '../lease.ts';
import { changedKey, type LeaseEvent, type Registry } from '../registry.ts';
import type { RecordingLog } from './recording-log.ts';

/** One store, fresh for one test. */
export interface RegistryHarness extends AsyncDisposable {
  /** Another handle on the store, as another host would open it. */
  open(): Registry;
  /** What all handles have logged. */
  readonly log: RecordingLog;
  writeConfig(text: string): Promise<void>;
  /** Writes an entry under `subnets/` as another program would, without time to live. */
  writeEntry(key: string, value: string): Promise<void>;
  deleteEntry(key: string): Promise<void>;
  /** The shortest time to live that the store honours, in milliseconds. */
  readonly shortestTtlMs: number;
  /** Makes time pass for the store; a store on real time needs nothing. */
  pass?(ms: number): Promise<void>;
}

/** The test functions of vitest or another runner, so that this package depends on none. */
export interface TestApi {
  readonly describe: (name: string, body: () => void) => void;
  readonly it: (name: string, body: () => Promise<void>) => void;
  readonly expect: (actual: unknown) => Matchers & { readonly not: Matchers };
}

/** The matchers that the suite uses; those of vitest, Jest and others fit. */
export interface Matchers {
  toBe(expected: unknown): void;
  toEqual(expected: unknown): void;
  toBeGreaterThan(expected: number): void;
  toBeInstanceOf(expected: abstract new (...args: never[]) => unknown): void;
}

const DAY_MS = 24 * 60 * 60 * 1000;

/** Proves that an implementation of {@link Registry} keeps its contract. */
export function registryCompliance(
  options: TestApi & { readonly name: string; readonly setup: () => Promise<RegistryHarness> },
): void {
  const { describe, it, expect } = options;

  /** A test with a fresh store and one open handle. */
  const test = (name: string, body: (context: Context) => Promise<void>) =>
    it(name, async () => {
      await using harness = await options.setup();
      await using registry = harness.open();
      await body({ harness, registry });
    });

  describe(`${options.name}: config`, () => {
    test('is undefined until it is written, then its text', async ({ harness, registry }) => {
      expect(await registry.readConfig()).toBe(undefined);
      await harness.writeConfig('{"Network":"10.5.0.0/16"}');
      expect(await registry.readConfig()).toBe('{"Network":"10.5.0.0/16"}');
    });
  });

  describe(`${options.name}: leases`, () => {
    test('are created, read and deleted, with one family or both', async ({ registry }) => {
      for (const key of ['10.5.1.0-24', '10.5.2.0-24&fc00:0:0:62::-64']) {
        const lease = await registry.createLease(request(key));
        expect(leaseKey(lease)).toBe(key);
        expect(lease.attributes).toEqual(attributesOf(1));
        expect(typeof lease.expiresAt).toBe('number');
      }
      expect(keys(await registry.readLeases())).toEqual(['10.5.1.0-24', '10.5.2.0-24&fc00:0:0:62::-64']);
      for (const lease of await registry.readLeases()) await registry.deleteLease(lease);
      expect(await registry.readLeases()).toEqual([]);
    });

    test('of IPv6 come back with all their attributes', async ({ registry }) => {
      const attributes: LeaseAttributes = {
        publicIp: { ipv4: parseAddress('192.0.2.1'), ipv6: parseAddress('2001:db8::1') },
        backendType: 'vxlan',
        backendData: { VNI: 1, VtepMAC: '02:00:00:00:00:01' },
        backendV6Data: { VNI: 1, VtepMAC: '02:00:00:00:00:02' },
      };
      const created = await registry.createLease({ ...request('0.0.0.0-0&fc00:0:0:62::-64'), attributes });
      const [read] = await registry.readLeases();
      expect(leaseKey(read!)).toBe('0.0.0.0-0&fc00:0:0:62::-64');
      expect(read!.attributes).toEqual(attributes);
      expect(read!.revision).toBe(created.revision);
    });

    test('go to exactly one of many creators', async ({ harness }) => {
      const hosts = Array.from({ length: 20 }, () => harness.open());
      const results = await Promise.allSettled(
        hosts.map((host, index) => host.createLease(request('10.5.1.0-24', index))),
      );
      expect(results.filter(({ status }) => status === 'fulfilled').length).toBe(1);
      for (const result of results) {
        if (result.status === 'rejected') expect(result.reason).toBeInstanceOf(LeaseExistsError);
      }
      await Promise.all(hosts.map((host) => host[Symbol.asyncDispose]()));
    });

    test('are updated with a new revision and expiry', async ({ registry }) => {
      const lease = await registry.createLease({ ...request('10.5.1.0-24'), ttlMs: DAY_MS / 2 });
      const updated = await registry.updateLease(lease, { attributes: attributesOf(2), ttlMs: DAY_MS });
      expect(updated.revision).not.toBe(lease.revision);
      expect(updated.expiresAt).toBeGreaterThan(Number(lease.expiresAt));
      const [read] = await registry.readLeases();
      expect(read!.attributes).toEqual(attributesOf(2));
      expect(read!.revision).toBe(updated.revision);
    });

    test('written by another are neither updated nor deleted', async ({ harness, registry }) => {
      const lease = await registry.createLease(request('10.5.1.0-24'));
      await using other = harness.open();
      const [seen] = await other.readLeases();
      await other.updateLease(seen!, { attributes: attributesOf(2), ttlMs: DAY_MS });
      for (const write of [
        () => registry.updateLease(lease, { attributes: attributesOf(1), ttlMs: DAY_MS }),
        () => registry.deleteLease(lease),
      ]) {
        const error = await rejection(write());
        expect(error).toBeInstanceOf(LeaseLostError);
        expect(((error as LeaseLostError).current as Lease).attributes).toEqual(attributesOf(2));
      }
    });

    test('that are gone are not brought back by an update', async ({ registry }) => {
      const lease = await registry.createLease(request('10.5.1.0-24'));
      await registry.deleteLease(lease);
      const error = await rejection(
        registry.updateLease(lease, { attributes: attributesOf(1), ttlMs: DAY_MS }),
      );
      expect(error).toBeInstanceOf(LeaseLostError);
      expect((error as LeaseLostError).current).toBe(undefined);
      expect(await registry.readLeases()).toEqual([]);
    });

    test('without time to live are reservations and stay reservations', async ({ harness, registry }) => {
      await harness.writeEntry('10.5.1.0-24', '{"PublicIP":"192.0.2.1"}');
      const [reservation] = await registry.readLeases();
      expect(reservation!.expiresAt).toBe(undefined);
      await registry.updateLease(reservation!, { attributes: attributesOf(1), ttlMs: undefined });
      const [updated] = await registry.readLeases();
      expect(updated!.expiresAt).toBe(undefined);
      expect(updated!.attributes).toEqual(attributesOf(1));
    });

    test('created without time to live are reservations too', async ({ registry }) => {
      await registry.createLease({ ...request('10.5.1.0-24'), ttlMs: undefined });
      const [reservation] = await registry.readLeases();
      expect(reservation!.expiresAt).toBe(undefined);
      await registry.deleteLease(reservation!);
      expect(await registry.readLeases()).toEqual([]);
    });

    test('that no one can read are skipped with one warning each', async ({ harness, registry }) => {
      await registry.createLease(request('10.5.1.0-24'));
      await harness.writeEntry('nonsense', '{"PublicIP":"192.0.2.9"}');
      await harness.writeEntry('10.5.2.0-24', '{"PublicIP":"192.0.2');
      expect(keys(await registry.readLeases())).toEqual(['10.5.1.0-24']);
      for (const key of ['nonsense', '10.5.2.0-24']) {
        const warnings = harness.log.entries.filter(
          (entry) => entry.level === 'warn' && JSON.stringify(entry.facts).includes(key),
        );
        expect(warnings.length).toBe(1);
      }
    });

    test('are read one by one; what is not there is undefined', async ({ harness, registry }) => {
      const lease = await registry.createLease(request('10.5.1.0-24'));
      await harness.writeEntry('10.5.3.0-24', '{"PublicIP":"192.0.2.3"}');
      const read = (await registry.readLease(lease.subnets)) as Lease;
      expect(read.attributes).toEqual(lease.attributes);
      expect(read.revision).toBe(lease.revision);
      expect(read.expiresAt === undefined).toBe(false);
      expect((await registry.readLease(parseSubnetKey('10.5.3.0-24')))!.expiresAt).toBe(undefined);
      expect(await registry.readLease(parseSubnetKey('10.5.2.0-24'))).toBe(undefined);
    });

    test('and what cannot be read are listed apart, at one time', async ({ harness, registry }) => {
      await registry.createLease(request('10.5.1.0-24'));
      await harness.writeEntry('10.5.2.0-24', 'not JSON');
      await harness.writeEntry('nonsense', '{"PublicIP":"192.0.2.9"}');
      const { leases, unreadable } = await registry.readSnapshot();
      expect(keys(leases)).toEqual(['10.5.1.0-24']);
      expect(unreadable.map(leaseKey)).toEqual(['10.5.2.0-24']);
      expect(unreadable[0]!.reason.includes('not valid JSON')).toBe(true);
    });
  });

  describe(`${options.name}: an entry that no one can read`, () => {
    /** A lease of ours that another program has damaged. */
    async function damage({ harness, registry }: Context, value = 'not JSON') {
      const lease = await registry.createLease(request('10.5.1.0-24'));
      await harness.writeEntry('10.5.1.0-24', value);
      const damaged = await registry.readLease(lease.subnets);
      if (!damaged || isReadable(damaged)) throw new Error('the entry is not damaged');
      return { lease, damaged };
    }

    test('is read with a revision and a reason', async (context) => {
      const { lease, damaged } = await damage(context);
      expect(leaseKey(damaged)).toBe(leaseKey(lease));
      expect(damaged.revision).not.toBe(lease.revision);
      expect(damaged.reason.includes('not valid JSON')).toBe(true);
    });

    test('is what a lost write reports, and is not written over by it', async (context) => {
      const { registry } = context;
      const { lease, damaged } = await damage(context);
      for (const write of [
        () => registry.updateLease(lease, { attributes: attributesOf(1), ttlMs: DAY_MS }),
        () => registry.deleteLease(lease),
      ]) {
        const error = await rejection(write());
        expect(error).toBeInstanceOf(LeaseLostError);
        expect((error as LeaseLostError).current!.revision).toBe(damaged.revision);
        expect('reason' in (error as LeaseLostError).current!).toBe(true);
      }
      const taken = await rejection(registry.createLease(request('10.5.1.0-24')));
      expect(taken).toBeInstanceOf(LeaseExistsError);
    });

    test('is replaced by its revision, and is a lease again', async (context) => {
      const { registry } = context;
      const { damaged } = await damage(context);
      const update = { attributes: attributesOf(1), ttlMs: DAY_MS };
      const updated = await registry.updateLease(damaged, update);
      expect(typeof updated.expiresAt).toBe('number');
      const [read] = await registry.readLeases();
      expect(read!.revision).toBe(updated.revision);
      expect(await rejection(registry.updateLease(damaged, update))).toBeInstanceOf(LeaseLostError);
    });

    test('is deleted by its revision', async (context) => {
      const { registry } = context;
      const { lease, damaged } = await damage(context);
      await registry.deleteLease(damaged);
      expect(await registry.readLease(lease.subnets)).toBe(undefined);
    });

    test('may be nested as deep as it likes', async (context) => {
      const nested = `{"PublicIP":"192.0.2.1","BackendData":${'['.repeat(10_000)}${']'.repeat(10_000)}}`;
      const { damaged } = await damage(context, nested);
      expect(damaged.reason.length < 200).toBe(true);
      expect((await context.registry.readSnapshot()).unreadable.length).toBe(1);
    });
  });

  describe(`${options.name}: watch`, () => {
    test('starts with a snapshot and reports every change in order', async ({ harness, registry }) => {
      const first = await registry.createLease(request('10.5.1.0-24'));
      await using watch = follow(registry);
      expect(await watch.next()).toEqual(['snapshot 10.5.1.0-24']);
      await using other = harness.open();
      const second = await other.createLease(request('10.5.2.0-24'));
      await registry.updateLease(first, { attributes: attributesOf(2), ttlMs: DAY_MS });
      await other.deleteLease(second);
      expect(await watch.take(3)).toEqual(['put 10.5.2.0-24', 'put 10.5.1.0-24', 'removed 10.5.2.0-24']);
    });

    test('reports a burst of 1,000 changes, each once and in order', async ({ registry }) => {
      await using watch = follow(registry);
      await watch.next();
      const names = Array.from({ length: 1000 }, (_, index) => `10.${index >> 8}.${index & 255}.0-24`);
      await Promise.all(names.map((key) => registry.createLease(request(key))));
      expect((await watch.take(1000)).sort()).toEqual(names.map((key) => `put ${key}`).sort());
    });

    test('reports the end of a lease whose time is over', async ({ harness, registry }) => {
      await using watch = follow(registry);
      await watch.next();
      await registry.createLease({ ...request('10.5.1.0-24'), ttlMs: harness.shortestTtlMs });
      await harness.pass?.(harness.shortestTtlMs);
      expect(await watch.take(2)).toEqual(['put 10.5.1.0-24', 'removed 10.5.1.0-24']);
    });

    test('skips keys that are no subnets, reports damaged leases and keeps them', async ({
      harness,
      registry,
    }) => {
      await registry.createLease(request('10.5.1.0-24'));
      await using watch = follow(registry);
      await watch.next();
      await harness.writeEntry('nonsense', '{}');
      await harness.deleteEntry('nonsense');
      await harness.writeEntry('10.5.1.0-24', 'not JSON');
      await registry.createLease(request('10.5.2.0-24'));
      expect(await watch.take(2)).toEqual(['unreadable 10.5.1.0-24', 'put 10.5.2.0-24']);
      expect([...watch.table.leases.keys()]).toEqual(['10.5.1.0-24', '10.5.2.0-24']);
    });

    test('has damaged leases in its snapshot, and reports their end', async ({ harness, registry }) => {
      await harness.writeEntry('10.5.1.0-24', 'not JSON');
      await using watch = follow(registry);
      expect(await watch.next()).toEqual(['snapshot', 'unreadable 10.5.1.0-24']);
      await harness.deleteEntry('10.5.1.0-24');
      expect(await watch.take(1)).toEqual(['removed 10.5.1.0-24']);
    });

    test('serves several watchers', async ({ harness, registry }) => {
      await using other = harness.open();
      await using one = follow(registry);
      await using two = follow(other);
      await one.next();
      await two.next();
      await registry.createLease(request('10.5.1.0-24'));
      expect(await one.take(1)).toEqual(['put 10.5.1.0-24']);
      expect(await two.take(1)).toEqual(['put 10.5.1.0-24']);
    });

    test('yields nothing when its signal was aborted before', async ({ registry }) => {
      const events: LeaseEvent[] = [];
      for await (const event of registry.watchLeases({ signal: AbortSignal.abort() })) events.push(event);
      expect(events).toEqual([]);
    });

    test('ends without an error when its signal aborts', async ({ registry }) => {
      const abort = new AbortController();
      const events: LeaseEvent[] = [];
      for await (const event of registry.watchLeases({ signal: abort.signal })) {
        events.push(event);
        abort.abort();
      }
      expect(events).toEqual([{ kind: 'snapshot', leases: [], unreadable: [] }]);
    });
  });
}

interface Context {
  readonly harness: RegistryHarness;
  readonly registry: Registry;
}

function attributesOf(host: number): LeaseAttributes {
  return {
    publicIp: { ipv4: parseAddress(`192.0.2.${host}`) },
    backendType: 'vxlan',
    backendData: { VNI: 1, VtepMAC: '02:00:00:00:00:01' },
  };
}

function request(key: string, host = 1): { subnets: SubnetPair; attributes: LeaseAttributes; ttlMs: number } {
  return { subnets: parseSubnetKey(key), attributes: attributesOf(host), ttlMs: DAY_MS };
}

function keys(leases: readonly Lease[]): string[] {
  return leases.map(leaseKey).sort();
}

async function rejection(promise: Promise<unknown>): Promise<unknown> {
  return promise.then(
    () => undefined,
    (error: unknown) => error,
  );
}

/** Watches in words: `snapshot KEY KEY`, `put KEY`, `unreadable KEY`, `removed KEY`. */
function follow(registry: Registry) {
  const abort = new AbortController();
  const events = registry.watchLeases({ signal: abort.signal })[Symbol.asyncIterator]();
  const table = createLeaseTable();
  const next = async (): Promise<string[]> => {
    const result = await events.next();
    if (result.done) throw new Error('the watch ended');
    const event = result.value;
    table.apply(event);
    if (event.kind === 'snapshot') {
      const damaged = event.unreadable.map((entry) => `unreadable ${leaseKey(entry)}`);
      return [['snapshot', ...keys(event.leases)].join(' '), ...damaged];
    }
    return event.changes.map((change) => `${change.kind} ${changedKey(change)}`);
  };
  return {
    table,
    next,
    async take(count: number): Promise<string[]> {
      const seen: string[] = [];
      while (seen.length < count) seen.push(...(await next()));
      return seen;
    },
    async [Symbol.asyncDispose]() {
      abort.abort();
      await events.return?.();
    },
  };
}
