import { createEtcdRegistry } from '@flannel-ts/etcd-registry';
import { parseAddress, parseSubnetKey } from '@flannel-ts/ip';
import type { EtcdCluster } from '@flannel-ts/lab';
import { keepLease, systemClock, type Logger } from '@flannel-ts/subnet';

/** As a lease of a day that is renewed every 23 hours, but thousands of times faster. */
const TTL_MS = 30_000;
/** A lease is renewed 2.7 to 3 s after it was written. */
const RENEW_MARGIN_MS = 27_000;

/** What keeping many leases came to. */
export interface KeptLeases {
  /** Renewals of all leases. */
  readonly renewals: number;
  /** Attempts that failed and were followed by another. */
  readonly failures: number;
  /** The longest time between two renewals of one lease, in milliseconds. */
  readonly longestIntervalMs: number;
}

/** Disturbs etcd; the disturbances are spread evenly over the renewals. */
export type Disturbance = () => Promise<void>;

/**
 * Keeps leases as so many hosts would, each over a connection of its own, until each of them has been renewed so
 * often.
 * @throws {LeaseLostError} when a lease changes hands
 * @throws {Error} when a lease was repaired: something else than the lease was in etcd
 */
export async function keepLeases(
  etcd: EtcdCluster,
  options: {
    readonly prefix: string;
    readonly hosts: number;
    /** Of each lease. */
    readonly renewals: number;
    readonly disturbances: readonly Disturbance[];
  },
): Promise<KeptLeases> {
  const { prefix, hosts, renewals, disturbances } = options;
  await using stack = new AsyncDisposableStack();
  const managers = await Promise.all(
    Array.from({ length: hosts }, async (_, host) => stack.use(await startManager(etcd, { prefix, host }))),
  );
  const running = Promise.race(managers.map(({ failed }) => failed));
  running.catch(() => undefined); // thrown where it is awaited
  const renewed = (count: number) =>
    Promise.race([running, Promise.all(managers.map((manager) => manager.renewed(count)))]);
  for (const [index, disturb] of disturbances.entries()) {
    await renewed(Math.floor(((index + 1) * renewals) / (disturbances.length + 1)));
    await disturb();
  }
  await renewed(renewals);
  const sum = (of: (manager: Manager) => number) => managers.reduce((total, each) => total + of(each), 0);
  return {
    renewals: sum(({ counts }) => counts.renewals),
    failures: sum(({ counts }) => counts.failures),
    longestIntervalMs: Math.max(...managers.map(({ counts }) => counts.longestIntervalMs)),
  };
}

interface Manager extends AsyncDisposable {
  readonly counts: KeptLeases;
  /** Rejects when the lease is lost or was repaired. */
  readonly failed: Promise<never>;
  /** Resolves when the lease has been renewed so often. */
  renewed(count: number): Promise<void>;
}

async function startManager(
  etcd: EtcdCluster,
  { prefix, host }: { readonly prefix: string; readonly host: number },
): Promise<Manager> {
  const counts = { renewals: 0, failures: 0, longestIntervalMs: 0 };
  const stop = new AbortController();
  const failed = Promise.withResolvers<never>();
  failed.promise.catch(() => undefined); // thrown where it is awaited
  const registry = createEtcdRegistry({ log: silent }, { endpoints: etcd.endpoints, prefix, api: 'v3' });
  const lease = await registry.createLease(requestOf(host));
  let renewedAt = performance.now();
  let renewal = Promise.withResolvers<void>();

  function countRenewal(): void {
    const now = performance.now();
    counts.longestIntervalMs = Math.max(counts.longestIntervalMs, now - renewedAt);
    counts.renewals++;
    renewedAt = now;
    renewal.resolve();
    renewal = Promise.withResolvers();
  }

  const keeper = keepLease(
    {
      ...{ registry, log: silent, clock: systemClock, random: Math.random },
      onEvent(event) {
        if (event.kind === 'kept') countRenewal();
        else if (event.kind === 'failing') counts.failures++;
        else failed.reject(new Error(`a lease was repaired: ${event.reason}`));
      },
    },
    { lease, families: [4], ttlMs: TTL_MS, renewMarginMs: RENEW_MARGIN_MS, signal: stop.signal },
  );
  keeper.done.catch(failed.reject);
  const watching = observe();
  watching.catch(failed.reject);

  async function observe(): Promise<void> {
    for await (const event of registry.watchLeases({ signal: stop.signal })) keeper.observe(event);
  }

  return {
    counts,
    failed: failed.promise,
    async renewed(count) {
      while (counts.renewals < count) await renewal.promise;
    },
    async [Symbol.asyncDispose]() {
      stop.abort();
      await Promise.allSettled([keeper.done, watching]);
      await registry[Symbol.asyncDispose]();
    },
  };
}

function requestOf(host: number) {
  const attributes = { publicIp: { ipv4: parseAddress(`192.0.2.${host + 1}`) } };
  return { subnets: parseSubnetKey(`10.5.${host + 1}.0-24`), attributes, ttlMs: TTL_MS };
}

const ignore = () => undefined;
/** Failures are counted. */
const silent: Logger = { debug: ignore, info: ignore, warn: ignore, error: ignore };
