import type { Program } from '@flannel-ts/bpf';
import { bpfCalls } from '@flannel-ts/native';
import { NetlinkError, openSynchronousNetlink, type SynchronousNetlink } from '@flannel-ts/netlink';

/** The first UDP port to try, and how many there are. */
const FIRST_PORT = 48_285;
const PORTS = 16;

/** The device's MAC address. It leaves no host. */
const MAC = '02:00:00:00:00:01';
/** Of the packets it gets. The kernel drops those without a valid sender, and those from the device itself. */
const SENDER_MAC = '02:00:00:00:00:02';

/** The flag I: the VNI is valid. */
const VXLAN_FLAGS = 0x08;

/** What the device wants between UDP and an IPv4 packet: the headers of VXLAN (RFC 7348, section 5) and Ethernet. */
export function decapsulationHeaders(vni: number): Buffer {
  const vxlan = Buffer.alloc(8);
  vxlan.writeUInt8(VXLAN_FLAGS, 0);
  vxlan.writeUIntBE(vni, 4, 3);
  return Buffer.concat([vxlan, Buffer.from(`${MAC}${SENDER_MAC}0800`.replaceAll(':', ''), 'hex')]);
}

/** A VXLAN device that takes the outer headers off; deleted when it is disposed of. */
export interface DecapsulationLink extends Disposable {
  readonly index: number;
  /** UDP port of its socket. */
  readonly port: number;
  /**
   * Sets the device up again, unless it is deleted.
   * @throws {NetlinkError} `EADDRINUSE` when its port was taken while it was down
   */
  setUp(): void;
}

export interface DecapsulationOptions {
  /** 24 bits: what it decapsulates; the kernel drops everything else. */
  readonly vni: number;
  /** Runs for what it decapsulates; it stays with the device, which is open to everyone, when this process is killed. */
  readonly deliver: Program;
}

/**
 * Creates the device in this thread's network namespace, up, in place of one that an earlier process left behind.
 * @throws {NetlinkError} {@link SystemError}
 */
export function createDecapsulationLink(name: string, options: DecapsulationOptions): DecapsulationLink {
  removeDecapsulationLink(name);
  using opening = new DisposableStack();
  const netlink = opening.use(openSynchronousNetlink());
  const { index, port } = createOnFreePort(netlink, name, options);
  opening.defer(() => deleteLink(netlink, index));
  const opened = opening.move();
  return {
    index,
    port,
    setUp: () => unlessMissing(() => netlink.request({ op: 'set-link', index, up: true })),
    [Symbol.dispose]: () => opened.dispose(),
  };
}

/**
 * Deletes a device that an earlier process left behind in this thread's network namespace.
 * @throws {NetlinkError} {@link SystemError}
 */
export function removeDecapsulationLink(name: string): void {
  const left = bpfCalls().findInterface(name);
  if (!left) return;
  using netlink = openSynchronousNetlink();
  deleteLink(netlink, left.index);
}

function createOnFreePort(netlink: SynchronousNetlink, name: string, { vni, deliver }: DecapsulationOptions) {
  const vxlan = { kind: 'vxlan', name, mac: MAC, vni, learning: false, gbp: false } as const;
  for (let port = FIRST_PORT; ; port++) {
    netlink.request({ op: 'create-link', link: { ...vxlan, port } });
    const { index } = bpfCalls().findInterface(name)!;
    try {
      deliver.attachForGood(index, 'ingress');
      // The socket is bound when the device comes up.
      netlink.request({ op: 'set-link', index, up: true });
      return { index, port };
    } catch (error) {
      deleteLink(netlink, index);
      const taken = error instanceof NetlinkError && error.code === 'EADDRINUSE';
      if (!taken || port + 1 === FIRST_PORT + PORTS) throw error;
    }
  }
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
