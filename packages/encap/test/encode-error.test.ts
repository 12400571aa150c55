import { describe, expect, it } from 'vitest';
import {
  EncodeError,
  parseMac,
  writeEthernet,
  writeIcmp,
  writeIpv4,
  writeIpv6,
  writeUdp,
  writeVxlan,
  type IcmpFields,
} from '../src/index.ts';

const ethernet = { destination: new Uint8Array(6), source: new Uint8Array(6), etherType: 0x800 };
const ipv4 = {
  ...{ source: new Uint8Array(4), destination: new Uint8Array(4) },
  ...{ protocol: 17, payloadBytes: 8, hopLimit: 64 },
};
const ipv6 = { ...ipv4, source: new Uint8Array(16), destination: new Uint8Array(16) };
const udp = { sourcePort: 1, destinationPort: 2, payloadBytes: 0 };

type Write<Fields> = (bytes: Uint8Array, at: number, fields: Fields) => number;

/** The error of an encoder for valid fields but one, which is named first; nothing may be written. */
function refusal<Fields>(write: Write<Fields>, valid: NoInfer<Fields>, wrong: Partial<NoInfer<Fields>>) {
  const bytes = new Uint8Array(100).fill(0xee);
  try {
    write(bytes, 0, { ...valid, ...wrong });
  } catch (error) {
    expect(bytes.every((byte) => byte === 0xee)).toBe(true);
    return [Object.keys(wrong)[0], error] as const;
  }
  throw new Error(`${JSON.stringify(wrong)} was accepted`);
}

describe('a field that does not do is named, and nothing is written', () => {
  it.each([
    refusal(writeEthernet, ethernet, { destination: new Uint8Array(5) }),
    refusal(writeEthernet, ethernet, { source: new Uint8Array(7) }),
    refusal(writeEthernet, ethernet, { etherType: 0x10000 }),
    refusal(writeIpv4, ipv4, { source: new Uint8Array(16) }),
    refusal(writeIpv4, ipv4, { destination: new Uint8Array(0) }),
    refusal(writeIpv4, ipv4, { protocol: 256 }),
    refusal(writeIpv4, ipv4, { payloadBytes: 65_516 }),
    refusal(writeIpv4, ipv4, { hopLimit: -1 }),
    refusal(writeIpv4, ipv4, { trafficClass: 1.5 }),
    refusal(writeIpv4, ipv4, { identification: 0x10000 }),
    refusal(writeIpv4, ipv4, { fragmentOffset: 0x10000 }),
    refusal(writeIpv4, ipv4, { fragmentOffset: 12 }),
    refusal(writeIpv4, ipv4, { options: new Uint8Array(3) }),
    refusal(writeIpv4, ipv4, { options: new Uint8Array(44) }),
    refusal(writeIpv6, ipv6, { source: new Uint8Array(4) }),
    refusal(writeIpv6, ipv6, { destination: new Uint8Array(4) }),
    refusal(writeIpv6, ipv6, { protocol: Number.NaN }),
    refusal(writeIpv6, ipv6, { payloadBytes: 65_536 }),
    refusal(writeIpv6, ipv6, { hopLimit: 256 }),
    refusal(writeIpv6, ipv6, { trafficClass: 256 }),
    refusal(writeIpv6, ipv6, { flowLabel: 0x100000 }),
    refusal(writeUdp, udp, { sourcePort: 65_536 }),
    refusal(writeUdp, udp, { destinationPort: -1 }),
    refusal(writeUdp, udp, { payloadBytes: 65_528 }),
    refusal(writeVxlan, { vni: 1 }, { vni: 0x1000000 }),
    refusal(writeVxlan, { vni: 1 }, { groupPolicyId: 0x10000 }),
  ])('%s', (field, error) => {
    expect(error).toBeInstanceOf(EncodeError);
    expect(error).toMatchObject({ name: 'EncodeError', field });
  });

  it.each<[IcmpFields, string]>([
    [{ family: 4, kind: 'echo-request', identifier: 65_536, sequence: 0 }, 'icmp: identifier'],
    [{ family: 6, kind: 'echo-reply', identifier: 0, sequence: -1 }, 'icmpv6: sequence'],
    [{ family: 4, kind: 'too-big', mtu: 65_536 }, 'icmp: mtu'],
    [{ family: 6, kind: 'too-big', mtu: 2 ** 32 }, 'icmpv6: mtu'],
    [{ family: 4, kind: 'parameter-problem', code: 0, pointer: 256 }, 'icmp: pointer'],
    [{ family: 6, kind: 'parameter-problem', code: 0, pointer: 2 ** 32 }, 'icmpv6: pointer'],
    [{ family: 6, kind: 'time-exceeded', code: 256 }, 'icmpv6: code'],
    [{ family: 4, kind: 'unreachable', code: 4 }, 'icmp: code 4 needs an MTU: want the kind too-big'],
  ])('%o', (fields, message) => {
    const bytes = new Uint8Array(8).fill(0xee);
    expect(() => writeIcmp(bytes, 0, fields)).toThrow(EncodeError);
    expect(() => writeIcmp(bytes, 0, fields)).toThrow(message);
    expect(bytes.every((byte) => byte === 0xee)).toBe(true);
  });
});

describe('a buffer without room', () => {
  it.each<[string, number, (bytes: Uint8Array, at: number) => number]>([
    ['ethernet', 14, (bytes, at) => writeEthernet(bytes, at, ethernet)],
    ['ipv4', 20, (bytes, at) => writeIpv4(bytes, at, ipv4)],
    ['ipv4', 28, (bytes, at) => writeIpv4(bytes, at, { ...ipv4, options: new Uint8Array(8) })],
    ['ipv6', 40, (bytes, at) => writeIpv6(bytes, at, ipv6)],
    ['udp', 8, (bytes, at) => writeUdp(bytes, at, udp)],
    ['vxlan', 8, (bytes, at) => writeVxlan(bytes, at, { vni: 1 })],
    ['icmp', 8, (bytes, at) => writeIcmp(bytes, at, { family: 4, kind: 'too-big', mtu: 1300 })],
    ['icmpv6', 8, (bytes, at) => writeIcmp(bytes, at, { family: 6, kind: 'too-big', mtu: 1300 })],
  ])('for %s of %s bytes says how much is missing', (layer, size, write) => {
    const bytes = new Uint8Array(100);
    expect(write(bytes, 100 - size)).toBe(100);
    for (const at of [101 - size, -1, 0.5]) {
      const message = `${layer}: buffer has 100 bytes, want ${size} at offset ${at}`;
      expect(() => write(bytes, at)).toThrow(message);
    }
  });
});

it.each(['', '02:00:00:00:00', '02:00:00:00:00:0g', '02:00:00:00:00:01:02', '2:0:0:0:0:1', '020000000001'])(
  'the MAC address "%s" is refused',
  (mac) => {
    expect(() => parseMac(mac)).toThrow(RangeError);
  },
);
