import { createBackends, type Backends, type Underlay } from '@flannel-ts/backend';
import { parsePrefix } from '@flannel-ts/ip';
import {
  enabledFamilies,
  leaseKey,
  LeaseLostError,
  type Lease,
  type LeaseEvent,
  type LeaseSnapshot,
  type Registry,
  type RegistryEntry,
} from '@flannel-ts/subnet';
import { acquireWithBackoff, type AcquireContext } from './acquire.ts';
import type { Components } from './components.ts';
import { silent, type DaemonSettings } from './daemon-settings.ts';
import type { DaemonState, Host } from './host.ts';
import { createIdleClock } from './idle-clock.ts';

/** What a daemon reports to those who check it. */
export interface DaemonObserver {
  /** @param since - when it began to look for one */
  acquired(host: Host, lease: Lease, since: number): void;
  lost(host: Host, lease: Lease): void;
  /** Called when a daemon ends with an error that nothing may cause. */
  failed(host: Host, error: unknown): void;
}

/** Starts a daemon on a host: generation after generation, until it is killed. */
export function startDaemon(
  components: Components,
  context: {
    readonly host: Host;
    readonly registry: Registry;
    readonly settings: DaemonSettings;
    readonly observer: DaemonObserver;
    readonly now: () => number;
  },
): DaemonState {
  const { host, observer } = context;
  const abort = new AbortController();
  const state: DaemonState = {
    abort,
    generation: new AbortController(),
    keeper: undefined,
    held: undefined,
    heldKey: undefined,
  };
  const isKilled = () => abort.signal.aborted;

  async function run(): Promise<void> {
    using backends = createBackends();
    while (!isKilled()) {
      const generation = new AbortController();
      const { signal } = generation;
      state.generation = generation;
      const end = () => generation.abort(abort.signal.reason);
      abort.signal.addEventListener('abort', end, { once: true });
      try {
        await runGeneration(components, { ...context, state, backends, signal });
      } catch (error) {
        if (isKilled()) return;
        if (!signal.aborted && !(error instanceof LeaseLostError)) throw error;
        if (state.held && !signal.aborted) observer.lost(host, state.held);
        state.held = undefined;
        state.heldKey = undefined;
      } finally {
        abort.signal.removeEventListener('abort', end);
        generation.abort();
      }
    }
  }

  run().catch((error: unknown) => observer.failed(host, error));
  return state;
}

interface Generation extends AcquireContext {
  readonly observer: DaemonObserver;
  readonly now: () => number;
  readonly state: DaemonState;
  readonly backends: Backends;
}

/** Acquires a lease, follows peers and keeps the lease, until the lease or the daemon ends. */
async function runGeneration(components: Components, generation: Generation): Promise<void> {
  const { host, registry, settings, observer, state, backends, signal } = generation;
  const { config, ttlMs, renewMarginMs } = settings;
  const since = generation.now();
  const device = host.kernel.openDevice();
  const underlay = underlayOf(host);
  const onEvent = () => undefined;
  const backend = await backends.create({ device, underlay, config, onEvent });
  const attributes = { publicIp: host.publicIp, ...backend.attributes };
  const events = registry.watchLeases({ signal })[Symbol.asyncIterator]();
  const first = await events.next();
  signal.throwIfAborted();
  const snapshot = first.value as LeaseSnapshot;
  const held = state.keeper?.lease;
  const lease = await acquireWithBackoff(components, generation, { attributes, held, snapshot });
  signal.throwIfAborted();
  observer.acquired(host, lease, since);
  host.previous = lease.subnets;
  state.held = lease;
  state.heldKey = leaseKey(lease);
  const follower = components.createPeerFollower({ backend, device, config, onEvent }, lease);
  // Renewals are spread over the last tenth of the time before the margin, by what a keeper draws last.
  let drawn = 1;
  const random = () => (drawn = host.random.next());
  const clock = createIdleClock(components.clock(host), host.time, () => {
    const { expiresAt } = keeper.lease;
    return typeof expiresAt === 'number' ? expiresAt - renewMarginMs - drawn * 0.1 * ttlMs : Infinity;
  });
  const keeper = components.keepLease(
    { registry, clock, log: silent, random, onEvent },
    { lease, families: enabledFamilies(config), ttlMs, renewMarginMs, signal },
  );
  state.keeper = keeper;
  const follow = async () => {
    let event: IteratorResult<LeaseEvent> = { value: withOwn(snapshot, lease) };
    for (; !event.done; event = await events.next()) {
      keeper.observe(event.value);
      await keeper.verified();
      await follower.follow(event.value);
    }
  };
  await Promise.race([follow(), keeper.done]);
  signal.throwIfAborted();
  throw new Error('the watch ended');
}

/** Returns the snapshot with the lease that this host has taken since. */
function withOwn({ leases, unreadable }: LeaseSnapshot, own: Lease): LeaseEvent {
  const isOther = (entry: RegistryEntry) => leaseKey(entry) !== leaseKey(own);
  return {
    kind: 'snapshot',
    leases: [...leases.filter(isOther), own],
    unreadable: unreadable.filter(isOther),
  };
}

function underlayOf({ publicIp }: Host): Underlay {
  const onLink = [parsePrefix('192.0.0.0/16')];
  return { link: 'eth0', mtu: 1500, address: publicIp, onLink, publicIp };
}
