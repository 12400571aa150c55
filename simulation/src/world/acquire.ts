import {
  OutOfSubnetsError,
  RegistryUnavailableError,
  type Lease,
  type LeaseSnapshot,
  type Registry,
} from '@flannel-ts/subnet';
import type { Components } from './components.ts';
import { silent, type DaemonSettings } from './daemon-settings.ts';
import type { Host } from './host.ts';

const LONGEST_BACKOFF_MS = 60_000;

/** What a daemon acquires its lease with. */
export interface AcquireContext {
  readonly host: Host;
  readonly registry: Registry;
  readonly settings: DaemonSettings;
  readonly signal: AbortSignal;
}

/** Acquires a lease, again with backoff while the registry is out of reach or the network is full. */
export async function acquireWithBackoff(
  components: Components,
  { host, registry, settings, signal }: AcquireContext,
  known: {
    readonly attributes: Lease['attributes'];
    readonly held: Lease | undefined;
    readonly snapshot: LeaseSnapshot;
  },
): Promise<Lease> {
  const { config, ttlMs } = settings;
  const { attributes, held } = known;
  let snapshot: LeaseSnapshot | undefined = known.snapshot;
  for (let backoffMs = 1000; ; backoffMs = Math.min(2 * backoffMs, LONGEST_BACKOFF_MS)) {
    try {
      return await components.acquireLease(
        { registry, log: silent, random: host.random.next },
        { config, attributes, previous: host.previous, held, ttlMs, snapshot, signal },
      );
    } catch (error) {
      if (!(error instanceof RegistryUnavailableError || error instanceof OutOfSubnetsError)) throw error;
      snapshot = undefined;
      await host.time.boot.delay(host.random.next() * backoffMs, { signal });
    }
  }
}
