import { Address, prefixOf, type Prefix } from '@flannel-ts/ip';

const RTF_GATEWAY = 0x2;

/**
 * Whether an IPv4 route through a gateway leads to just this prefix.
 * @param routes - text of /proc/net/route: hexadecimal columns in the host's (little-endian) byte order
 */
export function hasGatewayRoute(routes: string, prefix: Prefix): boolean {
  return routes
    .trim()
    .split('\n')
    .slice(1)
    .map((line) => line.trim().split(/\s+/))
    .filter(([, , , flags]) => (Number.parseInt(flags ?? '0', 16) & RTF_GATEWAY) !== 0)
    .some((columns) => prefix.equals(destinationOf(columns)));
}

function destinationOf([, destination, , , , , , mask]: readonly string[]): Prefix {
  const length = readHex(mask ?? '')
    .toString(2)
    .replaceAll('0', '').length;
  return prefixOf(new Address(4, BigInt(readHex(destination ?? ''))), length);
}

function readHex(text: string): number {
  return Buffer.from(text.padStart(8, '0'), 'hex').readUInt32LE(0);
}
