import { silent } from '../../src/world/daemon-settings.ts';
import type { Flavour } from '../../src/registry/entry.ts';
import { createAnnouncer } from '../../src/registry/announce.ts';
import { createNetwork, GOOD_PATH, type Path } from '../../src/registry/network.ts';
import { openRegistry } from '../../src/registry/registry.ts';
import { createStore } from '../../src/registry/create-store.ts';
import type { StoreObserver } from '../../src/registry/store.ts';
import { createWatches, type Watch, type WatchRules } from '../../src/registry/watch.ts';
import { createHostTime } from '../../src/world/host-time.ts';
import { createRandom } from '../../src/world/random.ts';
import { createScheduler } from '../../src/world/scheduler.ts';

/** A simulated registry without daemons, and the hosts that use it. */
export function createRegistryWorld(options: {
  readonly seed: string;
  readonly flavour?: Flavour;
  readonly rules?: WatchRules;
  readonly log?: typeof silent;
  readonly config?: () => string | undefined;
  readonly observer?: Partial<StoreObserver>;
  /** Keeps renewals back from watches, as in a cluster. @default false */
  readonly keepsRenewalsBack?: boolean;
}) {
  const { seed, rules = { listAfterInterruption: true, listPeriodically: true }, observer } = options;
  const scheduler = createScheduler();
  const watches = new Set<Watch>();
  const announce = createAnnouncer(() => [{ name: 'host', watches }]);
  const weather = { downUntil: 0 };
  const store = createStore(scheduler, options.flavour ?? 'v3', {
    written: (write) => observer?.written?.(write),
    changed: (write) => {
      if (options.keepsRenewalsBack) announce(write);
      else for (const watch of watches) watch.notify();
    },
    replaced: () => {
      observer?.replaced?.();
      for (const watch of watches) watch.interrupt();
    },
  });

  return {
    ...{ scheduler, store, watches, weather },
    /** Opens the registry as a host over its own network. */
    open(name: string, badPath: Partial<Path> = {}) {
      const time = createHostTime(scheduler, { driftPpm: 0 });
      const random = createRandom(`${seed}/${name}`);
      const path = { ...GOOD_PATH, ...badPath };
      const state = { weather, path, onFailure: () => undefined };
      const network = createNetwork({ scheduler, time, random }, state);
      const watch = createWatches({
        ...{ scheduler, store, network, time, random, rules, running: watches },
      });
      const components = { store, network, watch, clock: time.boot, log: options.log ?? silent };
      return openRegistry(components, {
        writer: { name },
        config: options.config ?? (() => undefined),
      });
    },
  };
}
