/**
 * IPv4 and IPv6 addresses and prefixes as immutable values: strict parsing, Go-compatible text, integer
 * arithmetic. The address family is a field of the value, so callers write one path for both.
 *
 * @packageDocumentation
 */
export { Address, addressFromBytes, parseAddress, tryParseAddress } from './address.ts';
export { AddressError } from './errors.ts';
export { familyBits, type Family } from './family.ts';
export { parseInterfaceAddress, parsePrefix, Prefix, prefixOf, type InterfaceAddress } from './prefix.ts';
export { formatSubnetKey, parseSubnetKey, type SubnetPair } from './subnet-key.ts';
