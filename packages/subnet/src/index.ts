/**
 * Network config, subnet leases and the {@link Registry} port that stores them.
 *
 * @packageDocumentation
 */
export { acquireLease } from './acquire-lease.ts';
export type { AcquireComponents, AcquireOptions } from './acquire-options.ts';
export { allocateSubnets, OutOfSubnetsError, type Random } from './allocate.ts';
export { systemClock, type Clock } from './clock.ts';
export type { BackendConfig, FamilyNetwork, NetworkConfig } from './config.ts';
export { LeaseExistsError, LeaseLostError, RegistryUnavailableError } from './errors.ts';
export { JsonError, JsonObject } from './json-object.ts';
export { keepLease, type KeepOptions, type LeaseKeeper } from './keep-lease.ts';
export { createLeaseTable, type LeaseTable } from './lease-table.ts';
export { decodeLeaseAttributes, encodeLeaseAttributes, LeaseValueError } from './lease-value.ts';
export { isSameHost, leaseKey, type Json, type Lease, type LeaseAttributes } from './lease.ts';
export type { Logger } from './logger.ts';
export { NetworkConfigError, parseNetworkConfig } from './parse-config.ts';
export type {
  CallOptions,
  LeaseChange,
  LeaseEvent,
  LeaseRequest,
  LeaseUpdate,
  Registry,
} from './registry.ts';
