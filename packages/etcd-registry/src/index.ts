/**
 * The flannel lease registry over etcd: the `Registry` port of `@flannel-ts/subnet` on the v3 and the v2 API,
 * and the way from v2 to v3.
 *
 * @packageDocumentation
 */
export { EtcdOptionError, RegistryAccessError } from './errors.ts';
export { createEtcdRegistry, type EtcdRegistryComponents } from './etcd-registry.ts';
export type { MigrationEntry } from './migrate-entry.ts';
export { migrateEtcd, type MigrationOptions, type MigrationReport } from './migrate.ts';
export type { EtcdRegistryOptions, TlsFiles } from './options.ts';
export type { RegistryEvent } from './outages.ts';
export type { EtcdRegistry } from './registry.ts';
