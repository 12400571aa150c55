import { writeU16, writeU24 } from './bytes.ts';
import { requireInteger, requireRoom } from './encode-error.ts';
import { Malformed } from './malformed.ts';
import { View } from './view.ts';

/** Length of a VXLAN header in bytes. */
export const VXLAN_HEADER_BYTES = 8;

const HAS_VNI = 0x08;
const HAS_GROUP_POLICY = 0x80;
const DONT_LEARN = 0x40;
const POLICY_APPLIED = 0x08;

/**
 * A VXLAN header (RFC 7348, 5) with the group policy extension (draft-smith-vxlan-group-policy) as Linux
 * has it (include/net/vxlan.h). An Ethernet frame follows. Reserved bits (R) are ignored.
 *
 *      0                   1                   2                   3
 *      0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1
 *     +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
 *     |G|R|R|R|I|R|R|R|R|D|R|R|A|R|R|R|        Group Policy ID        |
 *     +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
 *     |                VXLAN Network Identifier (VNI) |   Reserved    |
 *     +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
 */
export class VxlanView extends View {
  read(bytes: Uint8Array, start = 0, end = bytes.length): Malformed | undefined {
    const limit = Math.min(end, bytes.length);
    if (start + VXLAN_HEADER_BYTES > limit) return new Malformed('vxlan', limit, 'truncated');
    if ((bytes[start]! & HAS_VNI) === 0) return new Malformed('vxlan', start, 'flags');
    this.place(bytes, start, start + VXLAN_HEADER_BYTES, limit);
    return undefined;
  }

  /** 24 bits. */
  get vni(): number {
    return this.u24(4);
  }

  /** Group of the sender, 16 bits; `undefined` in a header without the extension. */
  get groupPolicyId(): number | undefined {
    return this.#hasGroupPolicy ? this.u16(2) : undefined;
  }

  /** D: the receiver must not learn the address of the frame's source. */
  get dontLearn(): boolean {
    return this.#hasGroupPolicy && (this.u8(1) & DONT_LEARN) !== 0;
  }

  /** A: the policy of the group was applied already and must not be applied again. */
  get policyApplied(): boolean {
    return this.#hasGroupPolicy && (this.u8(1) & POLICY_APPLIED) !== 0;
  }

  get #hasGroupPolicy(): boolean {
    return (this.u8(0) & HAS_GROUP_POLICY) !== 0;
  }
}

export interface VxlanFields {
  /** 24 bits. */
  readonly vni: number;
  /** 16 bits; adds the group policy extension. Linux leaves it out when the packet's mark is 0. @default none */
  readonly groupPolicyId?: number | undefined;
  /** Of the extension. @default false */
  readonly dontLearn?: boolean;
  /** Of the extension. @default false */
  readonly policyApplied?: boolean;
}

/** Writes a VXLAN header. @returns the index behind it. @throws {EncodeError} */
export function writeVxlan(
  bytes: Uint8Array,
  at: number,
  { vni, groupPolicyId, dontLearn = false, policyApplied = false }: VxlanFields,
): number {
  requireRoom('vxlan', bytes, at, VXLAN_HEADER_BYTES);
  requireInteger('vxlan', 'vni', vni, 0xffffff);
  requireInteger('vxlan', 'groupPolicyId', groupPolicyId ?? 0, 0xffff);
  const extended = groupPolicyId !== undefined;
  bytes[at] = HAS_VNI | (extended ? HAS_GROUP_POLICY : 0);
  bytes[at + 1] = extended ? (dontLearn ? DONT_LEARN : 0) | (policyApplied ? POLICY_APPLIED : 0) : 0;
  writeU16(bytes, at + 2, groupPolicyId ?? 0);
  writeU24(bytes, at + 4, vni);
  bytes[at + 7] = 0;
  return at + VXLAN_HEADER_BYTES;
}
