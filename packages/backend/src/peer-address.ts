import { parsePrefix, type Address } from '@flannel-ts/ip';
import type { Lease } from '@flannel-ts/subnet';
import type { Underlay } from './backend.ts';
import { PeerDataError } from './errors.ts';

/** Addresses at which no other host can be (RFC 6890), and what they are. */
const impossible = [
  { kind: 'an address of no host', prefix: parsePrefix('0.0.0.0/8') },
  { kind: 'a loopback address', prefix: parsePrefix('127.0.0.0/8') },
  { kind: 'a multicast address', prefix: parsePrefix('224.0.0.0/4') },
  { kind: 'the broadcast address', prefix: parsePrefix('255.255.255.255/32') },
] as const;

const linkLocal = parsePrefix('169.254.0.0/16');

/** Two addresses of a link are all that it has when its prefix is this long (RFC 3021). */
const POINT_TO_POINT = 31;

/** Returns where to send a peer's packets. @throws {PeerDataError} when that cannot be another host */
export function requirePeerAddress({ attributes }: Lease, underlay: Underlay): Address {
  const address = attributes.publicIp.ipv4;
  if (!address) {
    throw new PeerDataError(
      'PublicIP must be an IPv4 address, and it has none; give its host one, or set -public-ip there',
    );
  }
  const text = address.toString();
  if (isOurs(address, underlay)) {
    throw new PeerDataError(
      `PublicIP must be that of another host, not ${text}, our own: a former lease of this host expires by itself; if another host has this address, set -public-ip there`,
    );
  }
  const kind = kindOf(address, underlay);
  if (!kind) return address;
  throw new PeerDataError(
    `PublicIP must be an address at which its host can be reached, not ${text}, ${kind}; set -iface or -public-ip there`,
  );
}

function isOurs(address: Address, { address: own, publicIp }: Underlay): boolean {
  return address.equals(own.ipv4) || address.equals(publicIp.ipv4);
}

/** What an address is that cannot be a host's; `undefined` when it may be one. */
function kindOf(address: Address, { onLink }: Underlay): string | undefined {
  const known = impossible.find(({ prefix }) => prefix.contains(address));
  if (known) return known.kind;
  const link = onLink.find((prefix) => prefix.contains(address));
  if (!link) return linkLocal.contains(address) ? 'a link-local address of another link' : undefined;
  return link.length < POINT_TO_POINT && link.last.equals(address)
    ? 'the broadcast address of our link'
    : undefined;
}
