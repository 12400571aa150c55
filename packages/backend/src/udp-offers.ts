import type { Json } from '@flannel-ts/subnet';
import type { PortRange } from '@flannel-ts/tunnel';
import type { BackendAttributes } from './backend.ts';

/** What a host with udp offers to its peers: the BackendData of its lease. Upstream publishes nothing of udp's, and reads nothing. */
export interface UdpOffers {
  /** The host takes packets of a fast path. */
  readonly fastPath: boolean;
  /** The host combines the ECN fields of outer and inner headers. */
  readonly ecn: boolean;
  /** The host's fast path sends from these ports to peers with ports of their own, and takes packets from theirs. */
  readonly sourcePorts?: PortRange;
}

const FAST_PATH = 'FastPath';
const ECN = 'ECN';
const SOURCE_PORTS = 'SourcePorts';

export function attributesOf({ fastPath, ecn, sourcePorts }: UdpOffers): BackendAttributes {
  const backendData = {
    ...(fastPath && { [FAST_PATH]: true }),
    ...(fastPath && sourcePorts && { [SOURCE_PORTS]: [sourcePorts.first, sourcePorts.last] }),
    ...(ecn && { [ECN]: true }),
  };
  return Object.keys(backendData).length > 0 ? { backendData } : {};
}

/** Whatever else a peer publishes under a key, or instead of keys, is no offer and no error: packets go as upstream's. */
export function readOffers(backendData: Json | undefined): UdpOffers {
  const fastPath = readKey(backendData, FAST_PATH) === true;
  const sourcePorts = fastPath ? readPortRange(readKey(backendData, SOURCE_PORTS)) : undefined;
  return { fastPath, ecn: readKey(backendData, ECN) === true, ...(sourcePorts && { sourcePorts }) };
}

function readKey(backendData: Json | undefined, key: string): unknown {
  if (typeof backendData !== 'object' || backendData === null) return undefined;
  return Object.hasOwn(backendData, key) ? Reflect.get(backendData, key) : undefined;
}

function readPortRange(value: unknown): PortRange | undefined {
  if (!Array.isArray(value) || value.length !== 2 || !value.every(isPort)) return undefined;
  const [first, last] = value as [number, number];
  return first <= last ? { first, last } : undefined;
}

/** Ports below 512 are no offer: DNS and DHCP servers of a peer's host have some, and answer strangers from them. */
function isPort(value: unknown): boolean {
  return Number.isInteger(value) && Number(value) >= 512 && Number(value) <= 65_535;
}
