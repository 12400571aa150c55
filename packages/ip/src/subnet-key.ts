import { tryParseAddress } from './address.ts';
import { AddressError, shown } from './errors.ts';
import { familyBits, type Family } from './family.ts';
import { prefixOf, type Prefix } from './prefix.ts';

/** The subnets of one lease: IPv4, IPv6 or both. */
export interface SubnetPair {
  readonly ipv4?: Prefix | undefined;
  readonly ipv6?: Prefix | undefined;
}

/** What stands in the IPv4 half of an IPv6-only key, the zero value of upstream's prefix type: no subnet. */
const NO_IPV4 = '0.0.0.0-0';
const EXAMPLES = { 4: '10.5.1.0-24', 6: 'fc00:0:0:62::-64' } as const;

/**
 * The last part of a lease's key in the registry, as upstream writes it: `10.5.1.0-24`, or
 * `10.5.2.0-24&fc00:0:0:62::-64` with both families.
 * @throws {RangeError} when there is no subnet: neither family, or a prefix of length 0.
 */
export function formatSubnetKey({ ipv4, ipv6 }: SubnetPair): string {
  if ((!ipv4 && !ipv6) || ipv4?.length === 0 || ipv6?.length === 0) {
    throw new RangeError('a lease needs an IPv4 or an IPv6 subnet, longer than /0');
  }
  const first = ipv4?.toKey() ?? NO_IPV4;
  return ipv6 ? `${first}&${ipv6.toKey()}` : first;
}

/**
 * Reads a key written by {@link formatSubnetKey} or by upstream. Other spellings of the same subnets are
 * refused: whoever writes such a lease again would write another entry.
 * @throws {AddressError} with the part that is wrong and what to write instead.
 */
export function parseSubnetKey(key: string): SubnetPair {
  const [first, second, ...rest] = key.split('&', 3);
  if (rest.length > 0) throw new AddressError(key, 'is not a subnet key: more than one "&"');
  const ipv6 = second === undefined ? undefined : parseHalf(key, second, 6);
  if (first === NO_IPV4 && ipv6) return { ipv6 };
  return { ipv4: parseHalf(key, first!, 4), ...(ipv6 && { ipv6 }) };
}

function parseHalf(key: string, text: string, family: Family): Prefix {
  const prefix = tryParseHalf(text, family);
  const wanted = prefix?.toKey() ?? EXAMPLES[family];
  if (prefix && wanted === text) return prefix;
  throw new AddressError(key, `is not a subnet key: want ${wanted} in place of ${shown(text)}`);
}

/** The subnet that a half probably means: host bits cleared, the address in any spelling. */
function tryParseHalf(text: string, family: Family): Prefix | undefined {
  const dash = text.lastIndexOf('-');
  const network = tryParseAddress(text.slice(0, Math.max(dash, 0)));
  const length = /^[1-9]\d{0,2}$/.test(text.slice(dash + 1)) ? Number(text.slice(dash + 1)) : 0;
  const isSubnet = network?.family === family && length > 0 && length <= familyBits(family);
  return isSubnet ? prefixOf(network, length) : undefined;
}
