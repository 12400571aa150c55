/**
 * Network config, subnet leases and the {@link Registry} port that stores them.
 *
 * @packageDocumentation
 */
export { acquireLease } from './acquire-lease.ts';
export type { AcquireComponents, AcquireOptions } from './acquire-options.ts';
export { allocateSubnets, OutOfSubnetsError, type Random } from './allocate.ts';
export { systemClock, waitUntil, type Clock } from './clock.ts';
export { enabledFamilies, type BackendConfig, type FamilyNetwork, type NetworkConfig } from './config.ts';
export { LeaseExistsError, LeaseLostError, RegistryUnavailableError } from './errors.ts';
export { toChange, toSnapshot } from './entries.ts';
export { excerpt } from './excerpt.ts';
export { JsonError, JsonObject } from './json-object.ts';
export { keepLease } from './keep-lease.ts';
export type { KeepComponents, KeeperEvent, KeepOptions, LeaseKeeper } from './lease-keeper.ts';
export { createLeaseTable, type LeaseTable } from './lease-table.ts';
export {
  decodeLeaseAttributes,
  encodeLeaseAttributes,
  LeaseValueError,
  sameAttributes,
} from './lease-value.ts';
export {
  isReadable,
  isSameHost,
  leaseKey,
  type Json,
  type Lease,
  type LeaseAttributes,
  type LeaseVersion,
  type RegistryEntry,
  type UnreadableLease,
} from './lease.ts';
export type { Logger } from './logger.ts';
export { NetworkConfigError, parseNetworkConfig } from './parse-config.ts';
export {
  changedKey,
  type CallOptions,
  type LeaseChange,
  type LeaseEvent,
  type LeaseRequest,
  type LeaseSnapshot,
  type LeaseUpdate,
  type Registry,
} from './registry.ts';
