import { encodeStruct } from '@flannel-ts/bpf';
import type { PortRange } from '../tunnel.ts';
import { skeleton } from './programs/skeleton.ts';

/** Encodes a range as the programs have it (`struct port_range`). */
export function encodePortRange({ first, last }: PortRange = { first: 0, last: 0 }): Uint8Array {
  return encodeStruct(skeleton.structs.portRange, { first, last });
}
