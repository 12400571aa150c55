import { systemClock, type Clock, type Logger, type Registry } from '@flannel-ts/subnet';
import { createAutoRegistry } from './auto-registry.ts';
import { EtcdOptionError } from './errors.ts';
import { createKeys } from './keys.ts';
import { checkAccess, type EtcdRegistryOptions } from './options.ts';
import { createV2Registry } from './v2/registry.ts';
import { createV3Registry } from './v3/registry.ts';

export interface EtcdRegistryComponents {
  readonly log: Logger;
  /** @default the machine's clock */
  readonly clock?: Clock;
  /** At least 0 and less than 1; spreads many hosts over the members and over time. @default Math.random */
  readonly random?: () => number;
}

/**
 * A registry in etcd. It connects with the first call; etcd may be down or come later.
 *
 * Calls throw `RegistryUnavailableError` of `@flannel-ts/subnet`, after 3 seconds for each endpoint at most,
 * or {@link RegistryAccessError} when etcd is there but refuses us. While `api: 'auto'` finds no config,
 * the watch waits and other calls throw `RegistryUnavailableError`.
 * @throws {EtcdOptionError}
 */
export function createEtcdRegistry(
  { log, clock = systemClock, random = Math.random }: EtcdRegistryComponents,
  options: EtcdRegistryOptions,
): Registry {
  const { api = 'auto' } = options;
  if (!Object.hasOwn(registries, api)) {
    throw new EtcdOptionError('etcd-api', `is ${JSON.stringify(api)}; want auto, v2 or v3`);
  }
  const access = checkAccess(options);
  const keys = createKeys(options.prefix);
  return registries[api]({ log, clock, random }, { access, keys });
}

const registries = { auto: createAutoRegistry, v2: createV2Registry, v3: createV3Registry };
