import { tryParseAddress, type Address, type Family } from '@flannel-ts/ip';
import { JsonError, JsonObject } from './json-object.ts';
import type { LeaseAttributes } from './lease.ts';

/** A lease's value in the registry cannot be read; the message says why. */
export class LeaseValueError extends Error {
  constructor(message: string, options?: ErrorOptions) {
    super(message, options);
    this.name = 'LeaseValueError';
  }
}

/** What upstream writes for a host without an IPv4 address. */
const NO_IPV4 = '0.0.0.0';

/**
 * A lease's value as upstream writes it: `PublicIP` and `PublicIPv6` always, the backend's fields when
 * there are any, in this order.
 */
export function encodeLeaseAttributes(attributes: LeaseAttributes): string {
  return JSON.stringify({
    PublicIP: attributes.publicIp.ipv4?.toString() ?? NO_IPV4,
    PublicIPv6: attributes.publicIp.ipv6?.toString() ?? null,
    BackendType: attributes.backendType,
    BackendData: attributes.backendData,
    BackendV6Data: attributes.backendV6Data,
  });
}

/**
 * Reads a lease's value as any version of upstream writes it: keys in any case, missing, null or unknown.
 * @throws {LeaseValueError}
 */
export function decodeLeaseAttributes(text: string): LeaseAttributes {
  try {
    const object = JsonObject.parse(text);
    const ipv4 = readAddress(object, 'PublicIP', 4);
    const ipv6 = readAddress(object, 'PublicIPv6', 6);
    if (!ipv4 && !ipv6) throw new LeaseValueError('has neither PublicIP nor PublicIPv6');
    return {
      publicIp: { ipv4, ipv6 },
      backendType: object.string('BackendType') || undefined,
      backendData: object.get('BackendData'),
      backendV6Data: object.get('BackendV6Data'),
    };
  } catch (error) {
    if (error instanceof JsonError) throw new LeaseValueError(error.message, { cause: error });
    throw error;
  }
}

function readAddress(object: JsonObject, field: string, family: Family): Address | undefined {
  const text = object.string(field);
  if (text === undefined || text === '' || text === NO_IPV4) return undefined;
  const address = tryParseAddress(text);
  if (address?.family === family) return address;
  throw new LeaseValueError(`${field} must be an IPv${family} address, not ${JSON.stringify(text)}`);
}
