/**
 * Network config, subnet leases and the {@link Registry} port that stores them.
 *
 * @packageDocumentation
 */
export type { BackendConfig, FamilyNetwork, NetworkConfig } from './config.ts';
export { LeaseExistsError, LeaseLostError, RegistryUnavailableError } from './errors.ts';
export { leaseKey, type Json, type Lease, type LeaseAttributes } from './lease.ts';
export type { Logger } from './logger.ts';
export type {
  CallOptions,
  LeaseChange,
  LeaseEvent,
  LeaseRequest,
  LeaseUpdate,
  Registry,
} from './registry.ts';
