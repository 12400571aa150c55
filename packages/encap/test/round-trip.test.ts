import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
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
  type View,
} from '../src/index.ts';
import * as fields from './support/arbitraries.ts';

const NOISE = 0xa5;
const offset = fc.nat(50);

/** Writes at `at` into a buffer full of noise and reads it back; nothing but the header may have changed. */
function roundTrip<Fields, V extends View>(
  view: V,
  write: (bytes: Uint8Array, at: number, fields: Fields) => number,
  at: number,
  value: Fields,
): V {
  const bytes = new Uint8Array(400).fill(NOISE);
  const end = write(bytes, at, value);
  expect(bytes.subarray(0, at).every((byte) => byte === NOISE)).toBe(true);
  expect(bytes.subarray(end).every((byte) => byte === NOISE)).toBe(true);
  expect(view.read(bytes, at)).toBeUndefined();
  expect(view).toMatchObject({ start: at, payloadStart: end });
  return view;
}

function addressOf(view: View, at: number, length: number): Uint8Array {
  return view.bytes.slice(at, at + length);
}

describe('what is encoded is decoded to the same', () => {
  it('Ethernet', () => {
    fc.assert(
      fc.property(fields.ethernet, offset, (value, at) => {
        const view = roundTrip(new EthernetView(), writeEthernet, at, value);
        expect(addressOf(view, view.destinationAt, 6)).toEqual(value.destination);
        expect(addressOf(view, view.sourceAt, 6)).toEqual(value.source);
        expect(view.etherType).toBe(value.etherType);
      }),
    );
  });

  it('IPv4', () => {
    fc.assert(
      fc.property(fields.ipv4, offset, ({ source, destination, payloadBytes, options, ...rest }, at) => {
        const all = { source, destination, payloadBytes, options, ...rest };
        const view = roundTrip(new Ipv4View(), writeIpv4, at, all);
        expect(view).toMatchObject(rest);
        expect(view.payloadEnd - view.payloadStart).toBe(payloadBytes);
        expect(addressOf(view, view.sourceAt, 4)).toEqual(source);
        expect(addressOf(view, view.destinationAt, 4)).toEqual(destination);
        expect(view.source().toBytes()).toEqual(source);
        expect(BigInt(view.destinationWord)).toBe(view.destination().value);
        expect(view.bytes.slice(view.optionsStart, view.payloadStart)).toEqual(options);
        expect(view.verifyChecksum()).toBe(true);
      }),
    );
  });

  it('IPv6', () => {
    fc.assert(
      fc.property(fields.ipv6, offset, ({ source, destination, payloadBytes, ...rest }, at) => {
        const view = roundTrip(new Ipv6View(), writeIpv6, at, { source, destination, payloadBytes, ...rest });
        expect(view).toMatchObject(rest);
        expect(view.payloadEnd - view.payloadStart).toBe(payloadBytes);
        expect(addressOf(view, view.sourceAt, 16)).toEqual(source);
        expect(view.destination().toBytes()).toEqual(destination);
      }),
    );
  });

  it('UDP', () => {
    fc.assert(
      fc.property(fields.udp, offset, ({ payloadBytes, ...ports }, at) => {
        const view = roundTrip(new UdpView(), writeUdp, at, { payloadBytes, ...ports });
        expect(view).toMatchObject({ ...ports, checksum: 0 });
        expect(view.payloadEnd - view.payloadStart).toBe(payloadBytes);
      }),
    );
  });

  it('VXLAN; without a group there are no flags of the extension', () => {
    fc.assert(
      fc.property(fields.vxlan, offset, (value, at) => {
        const view = roundTrip(new VxlanView(), writeVxlan, at, value);
        const plain = { dontLearn: false, policyApplied: false };
        expect(view).toMatchObject(value.groupPolicyId === undefined ? { ...value, ...plain } : value);
      }),
    );
  });

  it('ICMP and ICMPv6', () => {
    fc.assert(
      fc.property(fields.icmp, offset, (value, at) => {
        const view = roundTrip(new IcmpView(value.family), writeIcmp, at, value);
        expect(view).toMatchObject(value);
        expect(view.quotesPacket).toBe(!value.kind.startsWith('echo'));
      }),
    );
  });
});
