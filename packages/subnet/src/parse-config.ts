import {
  type Address,
  parseInterfaceAddress,
  Prefix,
  prefixOf,
  tryParseAddress,
  type Family,
} from '@flannel-ts/ip';
import type { BackendConfig, FamilyNetwork, NetworkConfig } from './config.ts';
import { excerpt } from './excerpt.ts';
import { JsonError, JsonObject } from './json-object.ts';

/** The network config breaks a rule; the message is upstream's where upstream has one. */
export class NetworkConfigError extends Error {
  /** The key that is wrong, such as `SubnetLen`; '' for the whole text. */
  readonly field: string;

  constructor(field: string, message: string, options?: ErrorOptions) {
    super(message, options);
    this.name = 'NetworkConfigError';
    this.field = field;
  }
}

/**
 * Reads the network config with upstream's keys (in any case), defaults and rules.
 * @throws {NetworkConfigError}
 */
export function parseNetworkConfig(text: string): NetworkConfig {
  try {
    const object = JsonObject.parse(text);
    const ipv4 = (object.boolean('EnableIPv4') ?? true) ? readFamily(object, 4) : undefined;
    const ipv6 = object.boolean('EnableIPv6') ? readFamily(object, 6) : undefined;
    if (!ipv4 && !ipv6) {
      throw new NetworkConfigError(
        'EnableIPv4',
        'EnableIPv4 is false and EnableIPv6 is not true; enable one of them',
      );
    }
    return {
      ipv4,
      ipv6,
      enableNFTables: object.boolean('EnableNFTables') ?? false,
      backend: readBackend(object),
    };
  } catch (error) {
    if (error instanceof JsonError)
      throw new NetworkConfigError(error.field, error.message, { cause: error });
    throw error;
  }
}

/** What differs between the families: key prefix, longest subnet, smallest network, and the usual subnet. */
const RULES = {
  4: { keys: '', longestSubnet: 30, smallestNetwork: 28, usualSubnet: 24 },
  6: { keys: 'IPv6', longestSubnet: 126, smallestNetwork: 124, usualSubnet: 64 },
} as const;

function readFamily(object: JsonObject, family: Family): FamilyNetwork {
  const { keys } = RULES[family];
  const network = readNetwork(object, family);
  const subnetLength = readSubnetLength(object, network);
  // The first subnet is left out by default: its address is the network's own.
  const second = new Prefix(network.network, subnetLength).offset(1);
  const last = prefixOf(network.last, subnetLength);
  const subnetMin = readBound(object, `${keys}SubnetMin`, network, subnetLength) ?? second.network;
  const subnetMax = readBound(object, `${keys}SubnetMax`, network, subnetLength) ?? last.network;
  if (subnetMin.compare(subnetMax) > 0) {
    const bounds = `${subnetMin.toString()} is above ${keys}SubnetMax ${subnetMax.toString()}`;
    throw new NetworkConfigError(`${keys}SubnetMin`, `${keys}SubnetMin ${bounds}; no subnet is left`);
  }
  return { family, network, subnetLength, subnetMin, subnetMax };
}

function readNetwork(object: JsonObject, family: Family): Prefix {
  const field = `${RULES[family].keys}Network`;
  const text = object.string(field);
  try {
    // Host bits are cleared, as Go's parser does. What has length 0 then is the same to it as nothing.
    const { prefix } = parseInterfaceAddress(text ?? '');
    if (prefix.family === family && prefix.length > 0) return prefix;
  } catch (cause) {
    throw new NetworkConfigError(field, pleaseDefine(field), { cause });
  }
  throw new NetworkConfigError(field, pleaseDefine(field));
}

function pleaseDefine(field: string): string {
  return `please define a correct ${field} parameter in the flannel config`;
}

function readSubnetLength(object: JsonObject, network: Prefix): number {
  const { keys, longestSubnet, smallestNetwork, usualSubnet } = RULES[network.family];
  const field = `${keys}SubnetLen`;
  const given = object.get(field);
  if (typeof given === 'number' && given > longestSubnet) {
    throw new NetworkConfigError(field, `${field} must be less than /${longestSubnet + 1}`);
  }
  const length = object.integer(field, 0, longestSubnet) ?? 0;
  if (length > 0) {
    if (length < network.length + 2) {
      throw new NetworkConfigError(field, 'network must be able to accommodate at least four subnets');
    }
    return length;
  }
  if (network.length > smallestNetwork) {
    throw new NetworkConfigError(
      `${keys}Network`,
      `${keys ? 'IPv6Network' : 'network'} is too small. Minimum useful network prefix is /${smallestNetwork}`,
    );
  }
  return Math.max(usualSubnet, network.length + 2);
}

function readBound(object: JsonObject, field: string, network: Prefix, length: number): Address | undefined {
  const text = object.string(field);
  if (text === undefined || text === '') return undefined;
  const address = tryParseAddress(text);
  if (!address) throw new NetworkConfigError(field, `${field} must be an IP address, not ${excerpt(text)}`);
  // Go's zero value: what a Go program writes for a bound that is not set.
  if (address.value === 0n) return undefined;
  if (!network.contains(address))
    throw new NetworkConfigError(
      field,
      `${field} is not in the range of the ${RULES[network.family].keys}Network`,
    );
  if (!prefixOf(address, length).network.equals(address)) {
    throw new NetworkConfigError(field, `${field} is not on a SubnetLen boundary: ${text}`);
  }
  return address;
}

/** No `Backend` means udp, as in upstream's code. */
function readBackend(object: JsonObject): BackendConfig {
  const value = object.get('Backend');
  if (value === undefined) return { type: 'udp', options: {} };
  const type = new JsonObject(value, 'Backend').string('Type') ?? '';
  const options = Object.entries(value).filter(([key]) => key.toLowerCase() !== 'type');
  return { type: type.toLowerCase(), options: Object.fromEntries(options) };
}
