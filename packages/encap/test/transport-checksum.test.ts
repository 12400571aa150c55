import type { Family } from '@flannel-ts/ip';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  EncodeError,
  internetChecksum,
  IpReader,
  PROTOCOL,
  setTransportChecksum,
  transportChecksumState,
  writeIpv4,
  writeIpv6,
  writeUdp,
  type IpFields,
  type IpView,
  type Ipv4Fields,
} from '../src/index.ts';

interface Packet {
  readonly family: Family;
  readonly protocol: number;
  readonly payload: Uint8Array;
}

const addressOf = {
  4: (last: number) => Uint8Array.of(10, 5, 1, last),
  6: (last: number) => new Uint8Array(16).fill(last),
};

/** An IP packet in a view, with bytes of no concern around it. */
function ipPacket({ family, protocol, payload }: Packet, more: Partial<Ipv4Fields> = {}): IpView {
  const bytes = new Uint8Array(payload.length + 100).fill(0xee);
  const address = addressOf[family];
  const fields: IpFields = {
    ...{ source: address(1), destination: address(2), protocol },
    ...{ payloadBytes: payload.length, hopLimit: 64, ...more },
  };
  const at = family === 4 ? writeIpv4(bytes, 10, fields) : writeIpv6(bytes, 10, fields);
  bytes.set(payload, at);
  const ip = new IpReader();
  expect(ip.read(bytes, 10)).toBeUndefined();
  return ip.packet;
}

function datagram(data: Uint8Array, trailing = 0): Uint8Array {
  const bytes = new Uint8Array(8 + data.length + trailing);
  writeUdp(bytes, 0, { sourcePort: 1000, destinationPort: 2000, payloadBytes: data.length });
  bytes.set(data, 8);
  return bytes;
}

const families = fc.constantFrom<Family>(4, 6);
const covered = fc.oneof(
  fc.record({
    family: families,
    protocol: fc.constant(PROTOCOL.tcp),
    payload: fc.uint8Array({ minLength: 20, maxLength: 60 }),
  }),
  fc.record({
    family: families,
    protocol: fc.constant(PROTOCOL.udp),
    payload: fc.uint8Array({ maxLength: 60 }).map((data) => datagram(data)),
  }),
  families.chain((family) =>
    fc.record({
      family: fc.constant(family),
      protocol: fc.constant(family === 4 ? PROTOCOL.icmp : PROTOCOL.icmpv6),
      payload: fc.uint8Array({ minLength: 8, maxLength: 60 }),
    }),
  ),
);

/** The pseudo-header of RFC 768 and RFC 8200, 8.1, put together byte by byte, and the payload. */
function pseudoPacket({ family, protocol, payload }: Packet): Buffer {
  if (protocol === PROTOCOL.icmp) return Buffer.from(payload);
  const length = Buffer.alloc(4);
  length.writeUInt32BE(payload.length);
  const addresses = [addressOf[family](1), addressOf[family](2)];
  return Buffer.concat([...addresses, length, Buffer.of(0, 0, 0, protocol), payload]);
}

describe('the checksum of a payload', () => {
  it('makes the sum over pseudo-header and payload zero', () => {
    fc.assert(
      fc.property(covered, (packet) => {
        const ip = ipPacket(packet);
        setTransportChecksum(ip);
        const payload = ip.bytes.slice(ip.payloadStart, ip.payloadEnd);
        expect(internetChecksum(pseudoPacket({ ...packet, payload }))).toBe(0);
        expect(transportChecksumState(ip)).toBe('valid');
      }),
    );
  });

  it('does not survive any flipped bit', () => {
    fc.assert(
      fc.property(covered, fc.nat(), fc.nat(7), (packet, index, bit) => {
        const ip = ipPacket(packet);
        setTransportChecksum(ip);
        const at = index % packet.payload.length;
        // UDP's length decides what is covered, so that anything may come of it.
        fc.pre(packet.protocol !== PROTOCOL.udp || at < 4 || at > 5);
        ip.bytes[ip.payloadStart + at]! ^= 1 << bit;
        expect(transportChecksumState(ip)).not.toBe('valid');
      }),
    );
  });

  it('covers the addresses', () => {
    const ip = ipPacket({ family: 6, protocol: PROTOCOL.udp, payload: datagram(Buffer.from('hello')) });
    setTransportChecksum(ip);
    ip.bytes[ip.destinationAt]! ^= 1;
    expect(transportChecksumState(ip)).toBe('invalid');
  });
});

describe('UDP', () => {
  const unchecked = datagram(Buffer.from('hello'));

  it('may do without a checksum over IPv4 only', () => {
    expect(transportChecksumState(ipPacket({ family: 4, protocol: 17, payload: unchecked }))).toBe('none');
    expect(transportChecksumState(ipPacket({ family: 6, protocol: 17, payload: unchecked }))).toBe('invalid');
  });

  it.each([4, 6] as const)('writes a checksum of zero as 0xffff over IPv%s', (family) => {
    const payload = datagram(Uint8Array.of(0, 0));
    const first = ipPacket({ family, protocol: PROTOCOL.udp, payload });
    setTransportChecksum(first);
    // What was the checksum is now data, so that nothing is left for the checksum.
    payload.set(first.bytes.subarray(first.payloadStart + 6, first.payloadStart + 8), 8);
    const ip = ipPacket({ family, protocol: PROTOCOL.udp, payload });
    setTransportChecksum(ip);
    expect([...ip.bytes.subarray(ip.payloadStart + 6, ip.payloadStart + 8)]).toEqual([0xff, 0xff]);
    expect(transportChecksumState(ip)).toBe('valid');
  });

  it('has a length of its own: what follows is not covered', () => {
    const ip = ipPacket({ family: 4, protocol: PROTOCOL.udp, payload: datagram(Buffer.from('hello'), 3) });
    setTransportChecksum(ip);
    ip.bytes[ip.payloadEnd - 1] = 0x77;
    expect(transportChecksumState(ip)).toBe('valid');
    ip.bytes[ip.payloadEnd - 4] = 0x77;
    expect(transportChecksumState(ip)).toBe('invalid');
  });

  it.each([0, 7, 14])('with a length of %s in 13 bytes is invalid, and no checksum is set', (length) => {
    const payload = datagram(Buffer.from('hello'));
    payload.set([0, length, 1, 2], 4);
    const ip = ipPacket({ family: 4, protocol: PROTOCOL.udp, payload });
    expect(transportChecksumState(ip)).toBe('invalid');
    expect(() => setTransportChecksum(ip)).toThrow(EncodeError);
  });
});

describe('nothing is known', () => {
  const tcp = { family: 4, protocol: PROTOCOL.tcp, payload: new Uint8Array(24) } as const;

  it.each<[string, IpView]>([
    ['in a first fragment', ipPacket(tcp, { moreFragments: true })],
    ['in a last fragment', ipPacket(tcp, { fragmentOffset: 80 })],
    ['of another protocol', ipPacket({ ...tcp, protocol: 132 })],
    ["of the other family's ICMP", ipPacket({ ...tcp, protocol: PROTOCOL.icmpv6 })],
    ["of the other family's ICMP", ipPacket({ ...tcp, family: 6, protocol: PROTOCOL.icmp })],
  ])('%s, and none can be set', (_title, ip) => {
    expect(transportChecksumState(ip)).toBe('unknown');
    expect(() => setTransportChecksum(ip)).toThrow(EncodeError);
  });

  it('of what an ICMP error quotes, unless it quotes all', () => {
    const { bytes, start, payloadEnd } = ipPacket(tcp);
    const quoted = new IpReader();
    expect(quoted.readQuoted(bytes, start, payloadEnd - 1)).toBeUndefined();
    expect(transportChecksumState(quoted.packet)).toBe('unknown');
    expect(quoted.readQuoted(bytes, start, payloadEnd)).toBeUndefined();
    setTransportChecksum(quoted.packet);
    expect(transportChecksumState(quoted.packet)).toBe('valid');
  });
});

it('a payload without room for its checksum is invalid', () => {
  const ip = ipPacket({ family: 4, protocol: PROTOCOL.tcp, payload: new Uint8Array(17) });
  expect(transportChecksumState(ip)).toBe('invalid');
  expect(() => setTransportChecksum(ip)).toThrow(/payloadBytes/);
});
