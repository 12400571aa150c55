import { Prefix, parseAddress, type Address } from '@flannel-ts/ip';

/** A host that does not exist, for tables full of them. */
export interface Peer {
  /** A /24 from 10.100.0.0/24 on. */
  readonly subnet: Prefix;
  /** From 172.20.0.0 on. */
  readonly publicIp: Address;
  /** Its VTEP's. */
  readonly mac: string;
}

const FIRST_SUBNET = new Prefix(parseAddress('10.100.0.0'), 24);
const FIRST_ADDRESS = parseAddress('172.20.0.0');

/** Peer number `index`; 39,936 of them fit into 10.0.0.0/8. */
export function peer(index: number): Peer {
  const hex = (byte: number) => byte.toString(16).padStart(2, '0');
  return {
    subnet: FIRST_SUBNET.offset(index),
    publicIp: FIRST_ADDRESS.offset(index),
    mac: `02:00:00:00:${hex(index >> 8)}:${hex(index & 255)}`,
  };
}

/** The first `count` peers. */
export function peers(count: number): Peer[] {
  return Array.from({ length: count }, (_, index) => peer(index));
}
