import { parseAddress } from './address.ts';
import { AddressError } from './errors.ts';
import { Prefix } from './prefix.ts';

/** The subnets of one lease: IPv4, IPv6 or both. */
export interface SubnetPair {
  readonly ipv4?: Prefix | undefined;
  readonly ipv6?: Prefix | undefined;
}

/** What stands in the IPv4 half of an IPv6-only key: the zero value of upstream's prefix type. */
const NO_IPV4 = '0.0.0.0-0';

/**
 * The last part of a lease's key in the registry, as upstream writes it: `10.5.1.0-24`, or
 * `10.5.2.0-24&fc00:0:0:62::-64` with both families.
 */
export function formatSubnetKey(subnets: SubnetPair): string {
  const ipv4 = subnets.ipv4 ? half(subnets.ipv4) : NO_IPV4;
  return subnets.ipv6 ? `${ipv4}&${half(subnets.ipv6)}` : ipv4;
}

/**
 * Reads a key written by {@link formatSubnetKey} or by upstream.
 * @throws {AddressError} with the part that is wrong.
 */
export function parseSubnetKey(key: string): SubnetPair {
  const [first, second, ...rest] = key.split('&');
  if (rest.length > 0) throw new AddressError(key, 'is not a subnet key (more than one "&")');
  const ipv6 = second === undefined ? undefined : parseHalf(key, second, 6);
  if (first === NO_IPV4 && ipv6) return { ipv6 };
  return { ipv4: parseHalf(key, first!, 4), ...(ipv6 && { ipv6 }) };
}

function half(prefix: Prefix): string {
  return `${prefix.network.toString()}-${prefix.length}`;
}

function parseHalf(key: string, text: string, family: 4 | 6): Prefix {
  const parts = /^(.+)-(0|[1-9]\d{0,2})$/.exec(text);
  try {
    const network = parseAddress(parts?.[1] ?? '');
    if (network.family === family) return new Prefix(network, Number(parts?.[2]));
  } catch (cause) {
    if (cause instanceof RangeError) throw new AddressError(key, `is not a subnet key (${cause.message})`);
  }
  const example = family === 4 ? '10.5.1.0-24' : 'fc00:0:0:62::-64';
  throw new AddressError(key, `is not a subnet key (want ${example} in place of ${JSON.stringify(text)})`);
}
