import type { Family } from '@flannel-ts/ip';
import fc from 'fast-check';
import type {
  EthernetFields,
  IcmpFields,
  Ipv4Fields,
  Ipv6Fields,
  UdpFields,
  VxlanFields,
} from '../../src/index.ts';

const u8 = fc.nat(0xff);
const u16 = fc.nat(0xffff);
const bytes = (length: number) => fc.uint8Array({ minLength: length, maxLength: length });

export const ethernet: fc.Arbitrary<EthernetFields> = fc.record({
  destination: bytes(6),
  source: bytes(6),
  etherType: u16,
});

export const ipv4: fc.Arbitrary<Required<Ipv4Fields>> = fc.record({
  source: bytes(4),
  destination: bytes(4),
  protocol: u8,
  payloadBytes: fc.nat(200),
  hopLimit: u8,
  trafficClass: u8,
  identification: u16,
  dontFragment: fc.boolean(),
  moreFragments: fc.boolean(),
  fragmentOffset: fc.nat(0x1fff).map((units) => units * 8),
  options: fc.nat(10).chain((words) => bytes(words * 4)),
});

/** Without extension headers, whose numbers would need some to follow. */
export const ipv6: fc.Arbitrary<Required<Ipv6Fields>> = fc.record({
  source: bytes(16),
  destination: bytes(16),
  protocol: fc.constantFrom(1, 6, 17, 50, 58, 59, 253),
  payloadBytes: fc.nat(200),
  hopLimit: u8,
  trafficClass: u8,
  flowLabel: fc.nat(0xfffff),
});

export const udp: fc.Arbitrary<UdpFields> = fc.record({
  sourcePort: u16,
  destinationPort: u16,
  payloadBytes: fc.nat(200),
});

export const vxlan: fc.Arbitrary<VxlanFields> = fc.record({
  vni: fc.nat(0xffffff),
  groupPolicyId: fc.option(u16, { nil: undefined }),
  dontLearn: fc.boolean(),
  policyApplied: fc.boolean(),
});

const mtuOf = { 4: u16, 6: fc.nat(0xffffffff) };
const pointerOf = { 4: u8, 6: fc.nat(0xffffffff) };

export const icmp: fc.Arbitrary<IcmpFields> = fc.constantFrom<Family>(4, 6).chain((family) => {
  const of = fc.constant(family);
  const unreachable = u8.filter((code) => family === 6 || code !== 4);
  return fc.oneof(
    fc.record({
      family: of,
      kind: fc.constantFrom('echo-request', 'echo-reply'),
      identifier: u16,
      sequence: u16,
    }),
    fc.record({ family: of, kind: fc.constant('too-big'), mtu: mtuOf[family] }),
    fc.record({ family: of, kind: fc.constant('parameter-problem'), code: u8, pointer: pointerOf[family] }),
    fc.record({ family: of, kind: fc.constant('time-exceeded'), code: u8 }),
    fc.record({ family: of, kind: fc.constant('unreachable'), code: unreachable }),
  );
});
