import { randomInt } from 'node:crypto';

/**
 * What flannel_rx marks packets by that it has checked. The decapsulating device's own port is
 * open to everyone, so both are secrets: nobody on the network can set the index at all, nor guess
 * the VNI who may set it, in a container.
 */
export interface PacketMark {
  /** The traffic control index, 16 bits, not zero. */
  readonly index: number;
  /** 24 bits, those of the decapsulating device. */
  readonly vni: number;
}

export function createPacketMark(): PacketMark {
  return { index: randomInt(1, 1 << 16), vni: randomInt(1 << 24) };
}
