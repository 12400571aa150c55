import { sumCounters, type BpfMap } from '@flannel-ts/bpf';
import { skeleton } from './programs/skeleton.ts';

const layout = skeleton.structs.reasons;

/**
 * Why a program of the fast path left packets to user space, or dropped them: the members of
 * `struct reasons` (programs/reasons.h), which the README describes.
 */
export const fastPathReasons = Object.keys(layout.members) as readonly (keyof typeof layout.members)[];

/** One of {@link fastPathReasons}. */
export type FastPathReason = (typeof fastPathReasons)[number];

/** How many packets had each reason; a super-packet is one. */
export type FastPathReasons = Readonly<Record<FastPathReason, { readonly packets: number }>>;

/** Reads the map flannel_reasons, and adds what its CPUs counted. */
export function readReasons(map: BpfMap): FastPathReasons {
  const counted = sumCounters(layout, map.get(new Uint8Array(4))!);
  const counts = fastPathReasons.map((reason) => [reason, { packets: counted[reason] }] as const);
  return Object.fromEntries(counts) as FastPathReasons;
}
