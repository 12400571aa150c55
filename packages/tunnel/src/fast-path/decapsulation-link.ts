import type { Program } from '@flannel-ts/bpf';
import {
  ETHER_TYPE,
  ETHERNET_HEADER_BYTES,
  parseMac,
  VXLAN_HEADER_BYTES,
  writeEthernet,
  writeVxlan,
} from '@flannel-ts/encap';
import { NetlinkError, openSynchronousNetlink, type SynchronousNetlink } from '@flannel-ts/netlink';

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

/** A VXLAN device that takes the outer headers off; deleted when it is disposed of. */
export interface DecapsulationLink extends Disposable {
  readonly index: number;
  /**
   * Sets the device up again, unless it is deleted.
   * @throws {NetlinkError} `EADDRINUSE` when its port was taken while it was down
   */
  setUp(): void;
}

export interface DecapsulationOptions {
  /** UDP port of its socket. */
  readonly port: number;
  /** 24 bits: what it decapsulates; the kernel drops everything else. */
  readonly vni: number;
  /**
   * Runs for what it decapsulates; it stays with the device, which is open to everyone, when this
   * process is killed.
   */
  readonly deliver: Program;
}

/**
 * Creates the device in this thread's network namespace, up, in place of one that an earlier
 * process left behind.
 * @throws {NetlinkError} `EADDRINUSE` when another socket has the port
 * @throws {SystemError}
 */
export function createDecapsulationLink(
  name: string,
  { port, vni, deliver }: DecapsulationOptions,
): DecapsulationLink {
  using opening = new DisposableStack();
  const netlink = opening.use(openSynchronousNetlink());
  deleteByName(netlink, name);
  const vxlan = { kind: 'vxlan', name, mac: MAC, vni, learning: false, gbp: false } as const;
  netlink.request({ op: 'create-link', link: { ...vxlan, port } });
  const { index } = netlink.findLink(name)!;
  opening.defer(() => deleteLink(netlink, index));
  deliver.attachForGood(index, 'ingress');
  // The socket is bound when the device comes up.
  netlink.request({ op: 'set-link', index, up: true });
  const opened = opening.move();
  return {
    index,
    setUp: () => unlessMissing(() => netlink.request({ op: 'set-link', index, up: true })),
    [Symbol.dispose]: () => opened.dispose(),
  };
}

/**
 * Deletes a device that an earlier process left behind in this thread's network namespace.
 * @throws {NetlinkError} {@link SystemError}
 */
export function removeDecapsulationLink(name: string): void {
  using netlink = openSynchronousNetlink();
  deleteByName(netlink, name);
}

function deleteByName(netlink: SynchronousNetlink, name: string): void {
  const left = netlink.findLink(name);
  if (left) deleteLink(netlink, left.index);
}

function deleteLink(netlink: SynchronousNetlink, index: number): void {
  unlessMissing(() => netlink.request({ op: 'delete-link', index }));
}

/** Another process may have deleted the device. */
function unlessMissing(request: () => void): void {
  try {
    request();
  } catch (error) {
    if (!(error instanceof NetlinkError && error.code === 'ENODEV')) throw error;
  }
}
