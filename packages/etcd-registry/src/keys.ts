import { EtcdOptionError } from './errors.ts';

/** Where the network config and the leases lie in etcd, the same for the v2 and the v3 API. */
export interface Keys {
  /** `<prefix>/config` */
  readonly config: string;
  /** `<prefix>/subnets/`, which every lease's key begins with. */
  readonly subnets: string;
  /** The first key behind all that begin with {@link Keys.subnets}: the end of a v3 range. */
  readonly subnetsEnd: string;
}

const DEFAULT_PREFIX = '/coreos.com/network';

/**
 * The keys under a prefix, which is taken with or without its outer slashes.
 * @throws {EtcdOptionError} for an empty prefix.
 */
export function createKeys(prefix = DEFAULT_PREFIX): Keys {
  if (prefix === '')
    throw new EtcdOptionError('etcd-prefix', 'is empty; want for example /coreos.com/network');
  const root = prefix
    .split('/')
    .filter((segment) => segment !== '')
    .map((segment) => `/${segment}`)
    .join('');
  return {
    config: `${root}/config`,
    subnets: `${root}/subnets/`,
    subnetsEnd: `${root}/subnets${CHARACTER_AFTER_SLASH}`,
  };
}

const CHARACTER_AFTER_SLASH = '0';
