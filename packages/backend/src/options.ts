import type { Address } from '@flannel-ts/ip';
import { JsonError, JsonObject, type FamilyNetwork, type NetworkConfig } from '@flannel-ts/subnet';
import type { Underlay } from './backend.ts';
import { BackendConfigError } from './errors.ts';

/** Reads a backend's options with Go's case-insensitive keys. @throws {BackendConfigError} */
export function readOptions<T>(config: NetworkConfig, read: (options: JsonObject) => T): T {
  try {
    return read(new JsonObject(config.backend.options));
  } catch (error) {
    if (!(error instanceof JsonError)) throw error;
    throw new BackendConfigError(`Backend.${error.field}`, `Backend.${error.message}`, { cause: error });
  }
}

/** The IPv4 network, which every backend needs until IPv6 overlays come. @throws {BackendConfigError} */
export function requireIPv4(config: NetworkConfig): FamilyNetwork {
  if (config.ipv4 && !config.ipv6) return config.ipv4;
  const field = config.ipv4 ? 'EnableIPv6' : 'EnableIPv4';
  throw new BackendConfigError(
    field,
    `${field}: the ${config.backend.type} backend carries IPv4 only so far; set EnableIPv4 to true and EnableIPv6 to false`,
  );
}

/** The interface's own IPv4 address. @throws {BackendConfigError} */
export function requireUnderlayIPv4({ link, address }: Underlay, config: NetworkConfig): Address {
  if (address.ipv4) return address.ipv4;
  throw new BackendConfigError(
    'Backend.Type',
    `the ${config.backend.type} backend needs an IPv4 address on ${link}; add one, or choose another interface by -iface`,
  );
}
