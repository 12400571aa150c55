import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  EthernetView,
  IcmpView,
  IpReader,
  Ipv4View,
  Ipv6View,
  Malformed,
  transportChecksumState,
  UdpView,
  VxlanView,
  writeIpv4,
  writeIpv6,
  type View,
} from '../src/index.ts';
import * as fields from './support/arbitraries.ts';
import { sample } from './support/codecs.ts';
import { dissect, Undecodable } from './support/dissect.ts';
import { frames } from './support/frames.ts';

const runs = { numRuns: 2_000 };
const views = fc.constantFrom<() => View>(
  () => new EthernetView(),
  () => new Ipv4View(),
  () => new Ipv6View(),
  () => new UdpView(),
  () => new VxlanView(),
  () => new IcmpView(4),
  () => new IcmpView(6),
);

/** What {@link dissect} refuses a frame for. @throws what it threw, if that is anything but a refusal. */
function refusal(frame: Uint8Array): Undecodable | undefined {
  try {
    dissect(frame);
    return undefined;
  } catch (error) {
    if (error instanceof Undecodable) return error;
    throw error;
  }
}

/** Calls every getter of a view. */
function callGetters(view: View): void {
  for (let type: object = view; type !== Object.prototype; type = Object.getPrototypeOf(type) as object) {
    for (const name of Object.getOwnPropertyNames(type)) Reflect.get(type, name, view);
  }
}

describe('a packet that ends too early', () => {
  it('says where, at every byte, whatever the layer', () => {
    fc.assert(
      fc.property(sample, ({ layer, bytes, view, requiredBytes }) => {
        expect(view.read(bytes)).toBeUndefined();
        for (let cut = 0; cut < requiredBytes; cut++) {
          const expected = new Malformed(layer, cut, 'truncated');
          expect(view.read(bytes.subarray(0, cut))).toEqual(expected);
          expect(view.read(bytes, 0, cut)).toEqual(expected);
        }
      }),
    );
  });

  it.each(Object.entries(frames))('is noticed at every byte of a whole frame: %s', (_name, frame) => {
    for (let cut = 0; cut < frame.length; cut++) {
      expect(refusal(frame.subarray(0, cut))?.malformed).toMatchObject({ reason: 'truncated', offset: cut });
    }
  });
});

describe('flipped bits', () => {
  it.each([frames.vxlanOverIpv4, frames.portUnreachable])(
    'of a frame with checksums are noticed, each one behind the first Ethernet header',
    (frame) => {
      for (let bit = 14 * 8; bit < frame.length * 8; bit++) {
        const flipped = Buffer.from(frame);
        flipped[bit >> 3]! ^= 0x80 >> (bit & 7);
        expect(refusal(flipped), `bit ${bit}`).toBeDefined();
      }
    },
  );

  it('of any header never throw', () => {
    fc.assert(
      fc.property(sample, fc.nat(), fc.nat(7), ({ bytes, view }, at, bit) => {
        bytes[at % bytes.length]! ^= 1 << bit;
        view.read(bytes);
        callGetters(view);
      }),
      runs,
    );
  });
});

describe('random bytes', () => {
  const range = fc.record({
    bytes: fc.uint8Array({ maxLength: 120 }),
    start: fc.nat(130),
    end: fc.option(fc.nat(130), { nil: undefined }),
  });

  it('never throw, and what a view shows lies inside its range', () => {
    fc.assert(
      fc.property(views, range, (create, { bytes, start, end }) => {
        const view = create();
        const malformed = view.read(bytes, start, end);
        const limit = Math.min(end ?? bytes.length, bytes.length);
        callGetters(view);
        if (malformed) {
          expect(malformed.offset).toBeLessThanOrEqual(limit);
          return;
        }
        expect(view.start).toBe(start);
        expect(view.payloadStart).toBeGreaterThan(start);
        expect(view.payloadEnd).toBeGreaterThanOrEqual(view.payloadStart);
        expect(view.payloadEnd).toBeLessThanOrEqual(limit);
      }),
      runs,
    );
  });

  it('behind a version of IP never throw', () => {
    const ip = new IpReader();
    fc.assert(
      fc.property(fc.constantFrom(0x45, 0x4f, 0x60), fc.uint8Array({ maxLength: 300 }), (first, rest) => {
        const bytes = Uint8Array.of(first, ...rest);
        if (ip.readQuoted(bytes) === undefined) transportChecksumState(ip.packet);
        if (ip.read(bytes) === undefined) transportChecksumState(ip.packet);
      }),
      runs,
    );
  });
});

describe('a header that contradicts itself', () => {
  const ipv4 = (change: (bytes: Uint8Array) => void) => {
    const [value] = fc.sample(fields.ipv4, { numRuns: 1, seed: 1 });
    const bytes = new Uint8Array(400);
    writeIpv4(bytes, 10, { ...value!, options: new Uint8Array(0) });
    change(bytes);
    return new Ipv4View().read(bytes, 10);
  };

  const udpOfLength = (length: number) =>
    new UdpView().read(Uint8Array.of(0, 0, 0, 0, 0, 0, length, 0, 0), 1);

  it('but UDP without data does not', () => {
    expect(udpOfLength(8)).toBeUndefined();
  });

  it.each<[string, Malformed | undefined, Malformed]>([
    ['another version', ipv4((bytes) => (bytes[10] = 0x65)), new Malformed('ipv4', 10, 'version')],
    ['a header of 16 bytes', ipv4((bytes) => (bytes[10] = 0x44)), new Malformed('ipv4', 10, 'header-length')],
    ['a total length of 19', ipv4((bytes) => bytes.set([0, 19], 12)), new Malformed('ipv4', 12, 'length')],
    ['IPv4 for IPv6', new Ipv6View().read(Uint8Array.of(0x45)), new Malformed('ipv6', 0, 'version')],
    ['no IP at all', new IpReader().read(Uint8Array.of(0, 0x54), 1), new Malformed('ip', 1, 'version')],
    ['UDP shorter than its header', udpOfLength(7), new Malformed('udp', 5, 'length')],
    ['VXLAN without a VNI', new VxlanView().read(new Uint8Array(9), 1), new Malformed('vxlan', 1, 'flags')],
  ])('%s', (_title, actual, expected) => {
    expect(actual).toEqual(expected);
  });

  it('says so in words', () => {
    expect(new Malformed('udp', 38, 'length').toString()).toBe(
      'udp at byte 38: the length is smaller than the header',
    );
    expect(Object.isFrozen(new Malformed('udp', 38, 'length'))).toBe(true);
  });
});

describe('IPv6 extension headers', () => {
  const read = (nextHeader: number, payload: readonly number[]) => {
    const bytes = new Uint8Array(40 + payload.length);
    const address = new Uint8Array(16);
    const rest = { payloadBytes: payload.length, hopLimit: 64 };
    writeIpv6(bytes, 0, { source: address, destination: address, protocol: nextHeader, ...rest });
    bytes.set(payload, 40);
    const view = new Ipv6View();
    return { view, malformed: view.read(bytes) };
  };
  const eight = (next: number) => [next, 0, 0, 0, 0, 0, 0, 0];

  it('are passed, each by its own length', () => {
    const destination = [43, 1, ...new Array<number>(14).fill(0)];
    const authentication = [17, 2, ...new Array<number>(14).fill(0)];
    const { view, malformed } = read(0, [
      ...eight(60),
      ...destination,
      ...eight(51),
      ...authentication,
      1,
      2,
    ]);
    expect(malformed).toBeUndefined();
    expect(view).toMatchObject({ protocol: 17, payloadStart: 40 + 8 + 16 + 8 + 16, isFragment: false });
  });

  it('end with a fragment that is not the first: its payload is no header', () => {
    const { view, malformed } = read(44, [60, 0, 0x12, 0x39, 1, 2, 3, 4, 0xff, 0xff]);
    expect(malformed).toBeUndefined();
    expect(view).toMatchObject({ protocol: 60, payloadStart: 48, fragmentOffset: 0x1238 });
    expect(view).toMatchObject({ moreFragments: true, identification: 0x01020304, isFragment: true });
  });

  it('go on behind the first fragment', () => {
    const { view } = read(44, [60, 0, 0, 1, 0, 0, 0, 7, ...eight(17)]);
    expect(view).toMatchObject({ protocol: 17, payloadStart: 56, fragmentOffset: 0, isFragment: true });
  });

  it('are at most eight', () => {
    const chain = (count: number) =>
      read(60, Array.from({ length: count }, (_, index) => eight(index === count - 1 ? 59 : 60)).flat());
    expect(chain(8).malformed).toBeUndefined();
    expect(chain(9).malformed).toEqual(new Malformed('ipv6', 40 + 64, 'extension-headers'));
  });

  it.each([
    ['the last one is cut', [60, 2, 0, 0, 0, 0, 0, 0]],
    ['its length is missing', [60]],
    ['it is missing', []],
  ])('do not leave the packet: %s', (_title, payload) => {
    expect(read(60, payload).malformed).toEqual(new Malformed('ipv6', 40 + payload.length, 'truncated'));
  });
});
