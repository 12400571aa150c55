/**
 * The flannel lease registry over etcd: the `Registry` port of `@flannel-ts/subnet` on the v3 API.
 *
 * @packageDocumentation
 */
export { EtcdOptionError, RegistryAccessError } from './errors.ts';
export { createEtcdRegistry, type EtcdRegistryComponents } from './etcd-registry.ts';
export type { EtcdRegistryOptions, TlsFiles } from './options.ts';
