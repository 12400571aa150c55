import { systemClock, type Clock, type Logger } from '@flannel-ts/subnet';
import { createAutoRegistry } from './auto-registry.ts';
import { EtcdOptionError } from './errors.ts';
import { createKeys } from './keys.ts';
import { checkAccess, LIVENESS, type EtcdRegistryOptions } from './options.ts';
import { createOutages, type RegistryEvent } from './outages.ts';
import { createReconnects } from './reconnects.ts';
import type { EtcdRegistry } from './registry.ts';
import { createV2Registry } from './v2/registry.ts';
import { createV3Registry } from './v3/registry.ts';

export interface EtcdRegistryComponents {
  readonly log: Logger;
  /** @default the machine's clock */
  readonly clock?: Clock;
  /** At least 0 and less than 1; spreads many hosts over the members and over time. @default Math.random */
  readonly random?: () => number;
  /** Called when the watches stop working and when they work again. @default nothing is reported */
  readonly onEvent?: (event: RegistryEvent) => void;
}

const FIVE_MINUTES_MS = 300_000;

/**
 * Creates a registry in etcd. It connects with the first call; etcd may be down or come later.
 *
 * Calls throw `RegistryUnavailableError` of `@flannel-ts/subnet`, after 3 seconds for each endpoint at most
 * and up to 60 for a sign-in, or {@link RegistryAccessError} when etcd is there but refuses us. While
 * `api: 'auto'` finds no config, the watch of the leases waits and calls throw `RegistryUnavailableError`.
 * @throws {EtcdOptionError}
 */
export function createEtcdRegistry(
  components: EtcdRegistryComponents,
  options: EtcdRegistryOptions,
): EtcdRegistry {
  return openEtcdRegistry(components, options, LIVENESS);
}

/** The same with another liveness. */
export function openEtcdRegistry(
  { log, clock = systemClock, random = Math.random, onEvent = () => undefined }: EtcdRegistryComponents,
  options: EtcdRegistryOptions,
  liveness: typeof LIVENESS,
): EtcdRegistry {
  const { api = 'auto', relistMs = FIVE_MINUTES_MS } = options;
  if (!Object.hasOwn(registries, api)) {
    throw new EtcdOptionError('etcd-api', `is ${JSON.stringify(api)}; want auto, v2 or v3`);
  }
  const access = checkAccess(options, log);
  const keys = createKeys(options.prefix);
  const outages = createOutages({ clock, onEvent });
  const reconnects = createReconnects();
  return registries[api]({ log, clock, random, outages, reconnects }, { access, keys, relistMs, liveness });
}

const registries = { auto: createAutoRegistry, v2: createV2Registry, v3: createV3Registry };
