import {
  createEtcdRegistry,
  type EtcdRegistry,
  type EtcdRegistryComponents,
  type EtcdRegistryOptions,
} from '@flannel-ts/etcd-registry';
import type { Values } from './flag.ts';
import type { apiFlag, etcdFlags } from './flags.ts';

/** How to reach etcd, by the flags that say it. */
export function etcdOptions(settings: Values<typeof etcdFlags>): Omit<EtcdRegistryOptions, 'api'> {
  return {
    endpoints: settings['etcd-endpoints'],
    prefix: settings['etcd-prefix'],
    tls: { ca: settings['etcd-cafile'], cert: settings['etcd-certfile'], key: settings['etcd-keyfile'] },
    username: settings['etcd-username'],
    password: settings['etcd-password'],
    passwordFile: settings['etcd-password-file'],
  };
}

/** The registry that the flags name. @throws {EtcdOptionError} */
export function openRegistry(
  settings: Values<typeof etcdFlags & typeof apiFlag>,
  components: EtcdRegistryComponents,
): EtcdRegistry {
  return createEtcdRegistry(components, { ...etcdOptions(settings), api: settings['etcd-api'] });
}
