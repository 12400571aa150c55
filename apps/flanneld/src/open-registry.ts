import {
  createEtcdRegistry,
  type EtcdRegistry,
  type EtcdRegistryOptions,
  type RegistryEvent,
} from '@flannel-ts/etcd-registry';
import type { Values } from './flag.ts';
import type { apiFlag, etcdFlags } from './flags.ts';
import type { Logger } from './log.ts';

/** How to reach etcd, by the flags that say it. */
export function etcdOptions(
  settings: Values<typeof etcdFlags>,
): Omit<EtcdRegistryOptions, 'api' | 'relistMs'> {
  return {
    endpoints: settings['etcd-endpoints'],
    prefix: settings['etcd-prefix'],
    tls: { ca: settings['etcd-cafile'], cert: settings['etcd-certfile'], key: settings['etcd-keyfile'] },
    username: settings['etcd-username'],
    password: settings['etcd-password'],
  };
}

/** Opens the registry that the flags name. @throws {EtcdOptionError} */
export function openRegistry(
  settings: Values<typeof etcdFlags & typeof apiFlag>,
  components: { readonly log: Logger; readonly onEvent?: (event: RegistryEvent) => void },
): EtcdRegistry {
  return createEtcdRegistry(components, { ...etcdOptions(settings), api: settings['etcd-api'] });
}
