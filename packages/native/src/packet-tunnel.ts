import { loadBinding, type SystemError } from './binding.ts';

/**
 * Records: how prefixes and endpoints cross the border to C++. 20 bytes, big-endian:
 *
 *     0        1        2                 4                                    20
 *    | family | length | port            | address, padded with zeros on the right |
 *
 * `family` is 4 or 6. A prefix has no port, an endpoint no length; the endpoint of a route
 * has 1 there when its peer combines ECN fields as RFC 6040 has it.
 */
export const packetTunnelRecordBytes = 20;

export interface PacketTunnelOptions {
  /** Name of the TUN device. */
  readonly device: string;
  /** MTU of the TUN device in bytes. */
  readonly mtu: number;
  /** The device outlives this process. */
  readonly persistent: boolean;
  /** Local address of the UDP socket: an endpoint record. */
  readonly socket: Uint8Array;
  /** Use segmentation offloads where the kernel has them; otherwise one packet per system call. */
  readonly offloads: boolean;
  /** How many threads may carry packets in a direction at once, each those of other flows: 1, 2, 4 or 8. */
  readonly threads: number;
  /** Take packets from anyone to anywhere. */
  readonly acceptAny: boolean;
  /** Name of the interface that datagrams are taken from; an empty one for every interface. */
  readonly underlay: string;
  /** Outer headers have the DSCP of the inner ones, and their ECN field to peers that read it (RFC 6040). */
  readonly inheritTrafficClass: boolean;
  /** Called once when a packet thread ended with an error; the tunnel carries nothing any more. */
  readonly onFailure: (error: SystemError) => void;
}

/** A TUN device, a UDP socket, and threads that move packets between them. Every method throws after `close`. */
export interface PacketTunnel {
  readonly device: string;
  /** Local UDP port. */
  readonly port: number;
  /** This host's subnets: pairs of a prefix record and an address record. */
  setLocal(records: Uint8Array): void;
  /**
   * All routes: a prefix record, an endpoint record, and the first and the last of the peer's
   * further source ports (two bytes each, zeros for none).
   */
  setRoutes(records: Uint8Array): void;
  /** Routes to add or replace, and prefix records of routes to remove. */
  updateRoutes(add: Uint8Array, remove: Uint8Array): void;
  stats(): PacketTunnelStats;
  /** Ends the threads and closes the device and the socket. Idempotent. */
  close(): void;
}

export interface PacketTunnelStats {
  readonly sent: PacketTunnelCounter;
  readonly received: PacketTunnelCounter;
  /** In the order of {@link packetTunnelDropReasons}. */
  readonly drops: readonly number[];
  readonly offloads: PacketTunnelOffloads;
  /** A prefix and an endpoint record, then packets and bytes sent, packets and bytes received as 64-bit numbers; 72 bytes each. */
  readonly peers: Uint8Array;
}

/** What the kernel does for many packets at once. */
export interface PacketTunnelOffloads {
  /** The TUN device gives and takes TCP super-packets (TSO). */
  readonly deviceTcp: boolean;
  /** The TUN device gives and takes UDP super-packets (USO, Linux 6.2). */
  readonly deviceUdp: boolean;
  /** The socket cuts one message into many datagrams (UDP_SEGMENT), unless the path to a peer refuses it. */
  readonly socketSend: boolean;
  /** The socket joins many datagrams into one message (UDP_GRO). */
  readonly socketReceive: boolean;
}

export interface PacketTunnelCounter {
  readonly packets: number;
  readonly bytes: number;
}

/** Why packets are dropped; the order is that of `enum class Drop` in C++. */
export const packetTunnelDropReasons = [
  'malformed',
  'noRoute',
  'hopsExceeded',
  'tooBig',
  'sendFailed',
  'wrongInterface',
  'unknownSource',
  'wrongPeer',
  'notOurs',
  'congestion',
  'unfinished',
  'deviceRefused',
  'socketFull',
] as const;

/**
 * Opens the device and the socket in the network namespace of the calling thread, and starts the threads there.
 * @throws {SystemError} {@link AddonError}
 */
export function openPacketTunnel(options: PacketTunnelOptions): PacketTunnel {
  return new (loadBinding().PacketTunnel)(options);
}
