/**
 * Wanted state of links, addresses, routes, neighbours and FDB entries in, kernel in step.
 *
 * @packageDocumentation
 */
export type { Device } from './device.ts';
export type {
  HostState,
  Ownership,
  WantedAddress,
  WantedFdbEntry,
  WantedLink,
  WantedNeighbour,
  WantedRoute,
  WantedTun,
  WantedVxlan,
} from './wanted.ts';
