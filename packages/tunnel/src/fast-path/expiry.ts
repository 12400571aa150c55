import { encodeStruct, type BpfMap } from '@flannel-ts/bpf';
import { skeleton } from './programs/skeleton.ts';

const NANOSECONDS = 1e6;

/**
 * Writes the map flannel_expiry.
 * @param at - until when the programs carry packets, in milliseconds of the boot's clock
 */
export function writeExpiry(map: BpfMap, at: number | undefined): void {
  // 0 is never.
  const nanoseconds = at === undefined ? 0 : Math.max(1, Math.floor(at) * NANOSECONDS);
  map.set(new Uint8Array(4), encodeStruct(skeleton.structs.expiry, { at: nanoseconds }));
}
