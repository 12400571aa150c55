import fc from 'fast-check';
import {
  EthernetView,
  IcmpView,
  Ipv4View,
  Ipv6View,
  UdpView,
  VxlanView,
  writeEthernet,
  writeIcmp,
  writeIpv4,
  writeIpv6,
  writeUdp,
  writeVxlan,
  type Layer,
  type View,
} from '../../src/index.ts';
import * as fields from './arbitraries.ts';

/** One header and its payload, alone in a buffer, with a view that can read it. */
export interface Sample {
  readonly layer: Layer;
  readonly bytes: Uint8Array;
  readonly view: View;
  /** Up to here the packet must be there; the payload of some headers may have any length. */
  readonly requiredBytes: number;
}

type Write<Fields> = (bytes: Uint8Array, at: number, fields: Fields) => number;

/** Valid packets of every layer. */
export const sample: fc.Arbitrary<Sample> = fc.oneof(
  fields.ethernet.map((value) => build('ethernet', new EthernetView(), writeEthernet, value)),
  fields.ipv4.map((value) => build('ipv4', new Ipv4View(), writeIpv4, value)),
  fields.ipv6.map((value) => build('ipv6', new Ipv6View(), writeIpv6, value)),
  fields.udp.map((value) => build('udp', new UdpView(), writeUdp, value)),
  fields.vxlan.map((value) => build('vxlan', new VxlanView(), writeVxlan, value)),
  fields.icmp.map((value) =>
    build(value.family === 4 ? 'icmp' : 'icmpv6', new IcmpView(value.family), writeIcmp, value),
  ),
);

function build<Fields extends object>(layer: Layer, view: View, write: Write<Fields>, value: Fields): Sample {
  const payloadBytes = 'payloadBytes' in value ? (value.payloadBytes as number) : 0;
  const scratch = new Uint8Array(400);
  const requiredBytes = write(scratch, 0, value) + payloadBytes;
  return { layer, view, requiredBytes, bytes: scratch.slice(0, requiredBytes) };
}
