import { systemClock, type Clock, type Logger, type Registry } from '@flannel-ts/subnet';
import { createKeys } from './keys.ts';
import { checkAccess, type EtcdRegistryOptions } from './options.ts';
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
 * Calls throw {@link RegistryUnavailableError}, after 3 seconds for each endpoint at most, or
 * {@link RegistryAccessError} when etcd is there but refuses us.
 * @throws {EtcdOptionError}
 */
export function createEtcdRegistry(
  { log, clock = systemClock, random = Math.random }: EtcdRegistryComponents,
  options: EtcdRegistryOptions,
): Registry {
  const access = checkAccess(options);
  const keys = createKeys(options.prefix ?? '/coreos.com/network');
  return createV3Registry({ log, clock, random }, { access, keys });
}
