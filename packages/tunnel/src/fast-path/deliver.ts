import { randomInt } from 'node:crypto';
import {
  call,
  exit,
  helper,
  jumpIf,
  label,
  load,
  move,
  register,
  skb,
  store,
  verdict,
  type Code,
} from '@flannel-ts/bpf';
import {
  BPF_F_RECOMPUTE_CSUM,
  CHANGED_BYTES,
  decrementTtl,
  ETHERNET_BYTES,
  loadBytes,
  storeBytes,
} from './snippets.ts';

/** linux/bpf.h */
const BPF_F_INGRESS = 1;

/** On the stack. */
const HEADER = -CHANGED_BYTES;

/**
 * What the receive program marks packets by that it has checked. The decapsulating device's own port is open to everyone,
 * so both are secrets: nobody on the network can set the index at all, nor guess the VNI who may set it, in a container.
 */
export interface Seal {
  /** The traffic control index, 16 bits, not zero. */
  readonly index: number;
  /** 24 bits, those of the decapsulating device. */
  readonly vni: number;
}

export function createSeal(): Seal {
  return { index: randomInt(1, 1 << 16), vni: randomInt(1 << 24) };
}

/**
 * Moves what the decapsulating device delivers to the TUN device, as if it had come from there: firewall rules, reverse path
 * filters and captures find it where it always was. What the receive program did not check is dropped. The TTL is decremented
 * here, where segments are one packet again.
 */
export function deliverProgram(tunIndex: number, { index }: Seal): Code {
  return [
    move(6, register(1)),
    load(32, 2, 6, skb.tcIndex),
    jumpIf(2, '!=', index, 'drop'),
    move(2, 0),
    store(32, 6, skb.tcIndex, register(2)),
    loadBytes({ plus: ETHERNET_BYTES }, HEADER, CHANGED_BYTES, 'drop'),
    decrementTtl(HEADER),
    storeBytes(ETHERNET_BYTES, HEADER, CHANGED_BYTES, BPF_F_RECOMPUTE_CSUM, 'drop'),
    move(1, tunIndex),
    move(2, BPF_F_INGRESS),
    call(helper.redirect),
    exit,
    label('drop'),
    move(0, verdict.drop),
    exit,
  ];
}
