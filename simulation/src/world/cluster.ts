import { parseAddress } from '@flannel-ts/ip';
import { createAnnouncer } from '../registry/announce.ts';
import { openRegistry } from '../registry/registry.ts';
import { createStore } from '../registry/create-store.ts';
import type { Store, StoreObserver } from '../registry/store.ts';
import { createWatches } from '../registry/watch.ts';
import type { Weather } from '../registry/network.ts';
import type { Components } from './components.ts';
import { silent, type DaemonSettings } from './daemon-settings.ts';
import { startDaemon, type DaemonObserver } from './daemon.ts';
import { createHost, type Host } from './host.ts';
import type { ClusterPlan } from './plan.ts';
import { createRandom } from './random.ts';
import type { Scheduler } from './scheduler.ts';

/** Hosts and a registry, on one virtual time. */
export interface Cluster {
  readonly scheduler: Scheduler;
  readonly store: Store;
  readonly weather: Weather;
  readonly hosts: readonly Host[];
  readonly settings: DaemonSettings;
  /** Starts the daemon of a host that has none. */
  start(host: Host): void;
  /** Ends the daemon of a host, if it has one, without a chance to clean up. */
  kill(host: Host): void;
  /** An address that no host has had. */
  freshAddress(family: 4 | 6): ReturnType<typeof parseAddress>;
}

export function createCluster(
  components: Components,
  context: {
    readonly scheduler: Scheduler;
    readonly seed: number;
    readonly plan: ClusterPlan;
    readonly observer: DaemonObserver & Pick<StoreObserver, 'written' | 'replaced'>;
  },
): Cluster {
  const { scheduler, plan, observer } = context;
  const seed = `${context.seed}`;
  const weather: Weather = { downUntil: 0 };
  let addresses = 0;

  const store = createStore(scheduler, plan.flavour, {
    written: observer.written,
    changed: createAnnouncer(() => hosts),
    replaced() {
      observer.replaced();
      for (const host of hosts) for (const watch of host.watches) watch.interrupt();
    },
  });

  function freshAddress(family: 4 | 6) {
    addresses++;
    return parseAddress(
      family === 4 ? `192.0.${addresses >> 8}.${addresses & 255}` : `2001:db8::${addresses.toString(16)}`,
    );
  }

  const hosts = plan.hosts.map(({ driftPpm, hasIPv6 }, index) => {
    const publicIp = { ipv4: freshAddress(4), ...(hasIPv6 && { ipv6: freshAddress(6) }) };
    return createHost({ scheduler, seed, weather }, { index, driftPpm, publicIp });
  });

  const cluster: Cluster = {
    ...{ scheduler, store, weather, hosts, settings: plan.settings, freshAddress },
    start(host) {
      if (host.time.paused) host.time.deliver(() => cluster.start(host));
      if (host.time.paused || host.daemon) return;
      const { time, network, name } = host;
      const watch = createWatches({
        ...{ scheduler, store, network, time, running: host.watches, rules: components.watchRules },
        random: createRandom(`${seed}/${name}/watch/${scheduler.now}`),
      });
      const registry = openRegistry(
        { store, network, clock: components.clock(host), watch, log: silent },
        { writer: { name }, config: () => plan.configText },
      );
      host.troubles.mark();
      host.daemon = startDaemon(components, {
        ...{ host, registry, observer, settings: plan.settings, now: () => scheduler.now },
      });
    },
    kill(host) {
      host.troubles.mark();
      host.daemon?.abort.abort(new Error('killed'));
      host.daemon = undefined;
    },
  };
  for (const [index, { startsAt }] of plan.hosts.entries()) {
    scheduler.at(startsAt, () => cluster.start(hosts[index]!));
  }
  return cluster;
}
