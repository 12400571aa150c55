import { randomInt } from 'node:crypto';
import {
  add,
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

/** linux/bpf.h */
const BPF_F_INGRESS = 1;
/** The beginning of struct bpf_tunnel_key: the VNI, then the sender. */
const TUNNEL_KEY_BYTES = 8;
const KEY = -TUNNEL_KEY_BYTES;

/**
 * What the receive program marks packets by that it has checked. The decapsulating device's own port is open to everyone,
 * so both are secrets: nobody on the network can set the index at all, nor guess the VNI who may set it, on this host.
 */
export interface Seal {
  /** The traffic control index, 16 bits, not zero. */
  readonly index: number;
  /** 24 bits. */
  readonly vni: number;
}

export function createSeal(): Seal {
  return { index: randomInt(1, 1 << 16), vni: randomInt(1 << 24) };
}

/**
 * Moves what the decapsulating device delivers to the TUN device, as if it had come from there: firewall rules, reverse path
 * filters and captures find it where it always was. What the receive program did not check is dropped.
 */
export function deliverProgram(tunIndex: number, { index, vni }: Seal): Code {
  return [
    move(6, register(1)),
    load(32, 2, 6, skb.tcIndex),
    jumpIf(2, '!=', index, 'drop'),
    move(2, 0),
    store(32, 6, skb.tcIndex, register(2)),
    move(2, register(10)),
    add(2, KEY),
    move(3, TUNNEL_KEY_BYTES),
    move(4, 0),
    call(helper.skbGetTunnelKey),
    jumpIf(0, '!=', 0, 'drop'),
    load(32, 2, 10, KEY),
    jumpIf(2, '!=', vni, 'drop'),
    move(1, tunIndex),
    move(2, BPF_F_INGRESS),
    call(helper.redirect),
    exit,
    label('drop'),
    move(0, verdict.drop),
    exit,
  ];
}
