import { tryParseAddress, type Address, type Family } from '@flannel-ts/ip';
import { excerpt } from './excerpt.ts';
import { JsonError, JsonObject } from './json-object.ts';
import type { Json, LeaseAttributes } from './lease.ts';

/** A lease's value in the registry cannot be read; the message says why. */
export class LeaseValueError extends Error {
  constructor(message: string, options?: ErrorOptions) {
    super(message, options);
    this.name = 'LeaseValueError';
  }
}

/** What upstream writes for a host without an IPv4 address. */
const NO_IPV4 = '0.0.0.0';

/** The deepest nesting of backend data. Upstream's is 1; deeper values overflow the stack of what walks them. */
const DEEPEST = 100;

/**
 * Returns a lease's value as upstream writes it: `PublicIP` and `PublicIPv6` always, the backend's fields
 * when there are any, in this order.
 * @throws {LeaseValueError} when the backend's data is no JSON, or is nested more than 100 deep.
 */
export function encodeLeaseAttributes(attributes: LeaseAttributes): string {
  const { publicIp, backendType, backendData, backendV6Data } = attributes;
  checkDepth('BackendData', backendData);
  checkDepth('BackendV6Data', backendV6Data);
  try {
    return JSON.stringify({
      PublicIP: publicIp.ipv4?.toString() ?? NO_IPV4,
      PublicIPv6: publicIp.ipv6?.toString() ?? null,
      BackendType: backendType,
      BackendData: backendData,
      BackendV6Data: backendV6Data,
    });
  } catch (cause) {
    throw new LeaseValueError(`BackendData must be JSON (${String(cause)})`, { cause });
  }
}

/** Whether two hosts publish the same. */
export function sameAttributes(a: LeaseAttributes, b: LeaseAttributes): boolean {
  return a === b || encodeLeaseAttributes(a) === encodeLeaseAttributes(b);
}

/**
 * Reads a lease's value as any version of upstream writes it: keys in any case, missing, null or unknown.
 * @throws {LeaseValueError} whatever else the text is.
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
      backendData: readData(object, 'BackendData'),
      backendV6Data: readData(object, 'BackendV6Data'),
    };
  } catch (error) {
    if (error instanceof JsonError) throw new LeaseValueError(error.message, { cause: error });
    throw error;
  }
}

function readData(object: JsonObject, field: string): Json | undefined {
  const value = object.get(field);
  checkDepth(field, value);
  return value;
}

/** @throws {LeaseValueError} */
function checkDepth(field: string, value: Json | undefined): void {
  if (isDeeper(value, DEEPEST)) {
    throw new LeaseValueError(`${field} must be nested at most ${DEEPEST} deep, not ${excerpt(value)}`);
  }
}

function isDeeper(value: unknown, levels: number): boolean {
  if (typeof value !== 'object' || value === null) return false;
  return levels === 0 || Object.values(value).some((item) => isDeeper(item, levels - 1));
}

function readAddress(object: JsonObject, field: string, family: Family): Address | undefined {
  const text = object.string(field);
  if (text === undefined || text === '' || text === NO_IPV4) return undefined;
  const address = tryParseAddress(text);
  if (address?.family === family) return address;
  throw new LeaseValueError(`${field} must be an IPv${family} address, not ${excerpt(text)}`);
}
