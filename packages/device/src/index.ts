/**
 * Desired state of links, addresses, routes, neighbours and FDB entries in, kernel in step.
 *
 * @packageDocumentation
 */
export { createDevice, type DeviceComponents, type DeviceOptions } from './create-device.ts';
export type { Device } from './device.ts';
export type { DeviceEvent } from './events.ts';
export { LinkMissingError } from './link.ts';
export type {
  HostState,
  Ownership,
  DesiredAddress,
  DesiredFdbEntry,
  DesiredLink,
  DesiredNeighbour,
  DesiredRoute,
  DesiredTun,
  DesiredVxlan,
} from './desired.ts';
