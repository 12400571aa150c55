import { parseAddress, parseSubnetKey } from '@flannel-ts/ip';
import {
  isReadable,
  keepLease,
  toChange,
  type KeeperEvent,
  type Lease,
  type LeaseAttributes,
  type LeaseChange,
  type LeaseEvent,
  type LeaseKeeper,
  type Registry,
} from '../../src/index.ts';
import { createFakeClock, createMemoryStore, createRecordingLog } from '../../src/testing/index.ts';

export const HOUR_MS = 60 * 60 * 1000;
export const TTL_MS = 24 * HOUR_MS;
export const attributes: LeaseAttributes = { publicIp: { ipv4: parseAddress('192.0.2.1') } };
/** The same host's value, as another daemon writes it. */
export const rival = '{"PublicIP":"192.0.2.1","BackendType":"vxlan"}';
export const foreign = '{"PublicIP":"192.0.2.99"}';
export const KEY = '10.5.1.0-24';

export interface KeeperOptions {
  readonly renewMarginMs?: number;
  readonly ttlMs?: number;
  /** @default always 0: no jitter, the shortest backoff */
  readonly random?: () => number;
  /** Changes what the keeper sees of the registry. */
  readonly change?: (registry: Registry) => Registry;
}

/** A keeper of `10.5.1.0-24` on a clock of its own; the registry's clock goes with it unless a test stops one. */
export async function startKeeper({
  renewMarginMs = HOUR_MS,
  ttlMs = TTL_MS,
  random = () => 0,
  change = (registry) => registry,
}: KeeperOptions = {}) {
  const clock = createFakeClock();
  const storeClock = createFakeClock();
  const store = createMemoryStore(storeClock);
  const log = createRecordingLog();
  const registry = store.open({ log, clock });
  const subnets = parseSubnetKey(KEY);
  const lease = await registry.createLease({ subnets, attributes, ttlMs });
  const stop = new AbortController();
  const events: KeeperEvent[] = [];
  const components = {
    registry: change(registry),
    clock,
    log,
    random,
    onEvent: (event: KeeperEvent) => void events.push(event),
  };
  const options = { lease, families: [4] as const, ttlMs, renewMarginMs, signal: stop.signal };
  const keeper = keepLease(components, options);

  const read = () => registry.readLease(subnets);
  return {
    clock,
    storeClock,
    store,
    registry,
    lease,
    stop,
    events,
    components,
    options,
    keeper,
    kinds: () => events.map(({ kind }) => kind),
    /** What the registry holds. */
    read,
    stored: async (): Promise<Lease | undefined> => {
      const entry = await read();
      return entry && isReadable(entry) ? entry : undefined;
    },
    /** Lets the same time pass for the host and the registry, in steps of at most a second. */
    advance: async (ms: number): Promise<void> => {
      for (let left = ms; left > 0; left -= 1000) {
        await storeClock.advance(Math.min(left, 1000));
        await clock.advance(Math.min(left, 1000));
      }
    },
    /** Lets the keeper do what is due. */
    settle: () => clock.advance(0),
    /** Writes an entry as another program would, and shows it to the keeper. */
    overwrite: async (value: string): Promise<void> => {
      store.writeEntry(KEY, value);
      keeper.observe(delta(toChange((await read())!)));
      await clock.advance(0);
    },
  };
}

/** What a watch yields when something has changed. */
export function delta(...changes: readonly LeaseChange[]): LeaseEvent {
  return { kind: 'delta', changes };
}

/** Shows the keeper that its lease is gone, as a watch would. */
export function showRemoved(keeper: LeaseKeeper): void {
  keeper.observe(delta({ kind: 'removed', subnets: keeper.lease.subnets }));
}

/** What a promise rejects with; `undefined` when it resolves. */
export function rejection(promise: Promise<unknown>): Promise<unknown> {
  return promise.then(
    () => undefined,
    (error: unknown) => error,
  );
}

/** A registry that counts what is written through it. */
export function counting() {
  const counts = { writes: 0, reads: 0 };
  const change = (registry: Registry): Registry => ({
    ...registry,
    createLease: (...args) => (counts.writes++, registry.createLease(...args)),
    updateLease: (...args) => (counts.writes++, registry.updateLease(...args)),
    readLease: (...args) => (counts.reads++, registry.readLease(...args)),
  });
  return { counts, change };
}
