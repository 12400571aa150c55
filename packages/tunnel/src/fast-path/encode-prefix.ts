import { encodeStruct } from '@flannel-ts/bpf';
import type { Prefix } from '@flannel-ts/ip';
import { skeleton } from './programs/skeleton.ts';

/** Encodes an IPv4 prefix as the maps have it for a key (`struct prefix`). */
export function encodePrefix({ network, length }: Prefix): Uint8Array {
  return encodeStruct(skeleton.structs.prefix, { network: Number(network.value), length });
}
