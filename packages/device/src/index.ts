/**
 * Desired state of links, addresses, routes, neighbours and FDB entries in, kernel in step.
 *
 * @packageDocumentation
 */
export { createDevice, type DeviceComponents, type DeviceOptions } from './create-device.ts';
export type { Device } from './device.ts';
export type { DeviceEvent } from './events.ts';
export { ForeignLinkError, LinkMissingError, ParentMtuError } from './errors.ts';
export type {
  HostState,
  DesiredAddress,
  DesiredFdbEntry,
  DesiredLink,
  DesiredNeighbour,
  DesiredRoute,
  DesiredTun,
  DesiredVxlan,
  OwnedGatewayRoutes,
  OwnedLink,
  Ownership,
} from './desired.ts';
