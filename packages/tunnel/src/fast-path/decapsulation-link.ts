import {
  ETHER_TYPE,
  ETHERNET_HEADER_BYTES,
  parseMac,
  VXLAN_HEADER_BYTES,
  writeEthernet,
  writeVxlan,
} from '@flannel-ts/encap';
import { NetlinkError, openSynchronousNetlink } from '@flannel-ts/netlink';

/** The device's MAC address. It leaves no host. */
const MAC = '02:00:00:00:00:01';
/**
 * Of the packets it gets. The kernel drops those without a valid sender, and those from the device
 * itself.
 */
const SENDER_MAC = '02:00:00:00:00:02';

/**
 * Returns what the device expects between UDP and an IPv4 packet: the headers of VXLAN and
 * Ethernet.
 */
export function decapsulationHeaders(vni: number): Uint8Array {
  const headers = new Uint8Array(VXLAN_HEADER_BYTES + ETHERNET_HEADER_BYTES);
  const ethernet = { destination: parseMac(MAC), source: parseMac(SENDER_MAC), etherType: ETHER_TYPE.ipv4 };
  writeEthernet(headers, writeVxlan(headers, 0, { vni }), ethernet);
  return headers;
}

/** A VXLAN device that takes the outer headers off. It stays when it is disposed of. */
export interface DecapsulationLink extends Disposable {
  readonly index: number;
  /**
   * Sets the device up, unless it is deleted: its socket is bound then.
   * @throws {NetlinkError} `EADDRINUSE` when another socket has its port
   */
  setUp(): void;
}

export interface DecapsulationOptions {
  /** UDP port of its socket. */
  readonly port: number;
  /** 24 bits: what it decapsulates; the kernel drops everything else. */
  readonly vni: number;
}

/**
 * Creates the device in this thread's network namespace, down.
 * @throws {NetlinkError} {@link SystemError}
 */
export function createDecapsulationLink(
  name: string,
  { port, vni }: DecapsulationOptions,
): DecapsulationLink {
  using netlink = openSynchronousNetlink();
  const vxlan = { kind: 'vxlan', name, mac: MAC, vni, learning: false, gbp: false } as const;
  netlink.request({ op: 'create-link', link: { ...vxlan, port } });
  return openDecapsulationLink(name);
}

/**
 * Opens a device of this thread's network namespace that is there already.
 * @throws {NetlinkError} {@link SystemError}
 */
export function openDecapsulationLink(name: string): DecapsulationLink {
  const netlink = openSynchronousNetlink();
  const index = netlink.findLink(name)?.index ?? 0;
  return {
    index,
    setUp: () => unlessMissing(() => netlink.request({ op: 'set-link', index, up: true })),
    [Symbol.dispose]: () => netlink[Symbol.dispose](),
  };
}

/**
 * Deletes a device of this thread's network namespace, if it is there.
 * @throws {NetlinkError} {@link SystemError}
 */
export function removeDecapsulationLink(name: string): void {
  using netlink = openSynchronousNetlink();
  const left = netlink.findLink(name);
  if (left) unlessMissing(() => netlink.request({ op: 'delete-link', index: left.index }));
}

/** Another process may have deleted the device. */
function unlessMissing(request: () => void): void {
  try {
    request();
  } catch (error) {
    if (!(error instanceof NetlinkError && error.code === 'ENODEV')) throw error;
  }
}
