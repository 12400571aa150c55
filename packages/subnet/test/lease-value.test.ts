import { parseAddress } from '@flannel-ts/ip';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { decodeLeaseAttributes, encodeLeaseAttributes, LeaseValueError } from '../src/index.ts';

describe('texts of upstream', () => {
  it.each([
    ['{"PublicIP":"192.0.2.1","PublicIPv6":null}', { publicIp: { ipv4: parseAddress('192.0.2.1') } }],
    [
      '{"PublicIP":"192.0.2.1","PublicIPv6":null,"BackendType":"vxlan","BackendData":{"VNI":1,"VtepMAC":"aa:bb:cc:dd:ee:ff"}}',
      {
        publicIp: { ipv4: parseAddress('192.0.2.1') },
        backendType: 'vxlan',
        backendData: { VNI: 1, VtepMAC: 'aa:bb:cc:dd:ee:ff' },
      },
    ],
    [
      '{"PublicIP":"192.0.2.1","PublicIPv6":"2001:db8::1","BackendType":"host-gw"}',
      {
        publicIp: { ipv4: parseAddress('192.0.2.1'), ipv6: parseAddress('2001:db8::1') },
        backendType: 'host-gw',
      },
    ],
  ])('%s', (text, attributes) => {
    expect(encodeLeaseAttributes(attributes)).toBe(text);
    expect(decodeLeaseAttributes(text)).toEqual(attributes);
  });

  it('are read in any case, with null, missing and unknown keys', () => {
    expect(
      decodeLeaseAttributes('{"publicip":"192.0.2.1","BackendType":"","BackendData":null,"Extra":[1]}'),
    ).toEqual({
      publicIp: { ipv4: parseAddress('192.0.2.1') },
    });
  });
});

it.each([
  ['', 'not valid JSON'],
  ['[]', 'must be a JSON object'],
  ['{}', 'has neither PublicIP nor PublicIPv6'],
  ['{"PublicIP":"x"}', 'PublicIP must be an IPv4 address, not "x"'],
  ['{"PublicIP":5}', 'PublicIP must be a string, not 5'],
  ['{"PublicIP":"192.0.2.1","PublicIPv6":"192.0.2.1"}', 'PublicIPv6 must be an IPv6 address'],
  ['{"PublicIP":"192.0.2.1","BackendType":5}', 'BackendType must be a string'],
])('refuses %j', (text, message) => {
  expect(() => decodeLeaseAttributes(text)).toThrow(LeaseValueError);
  expect(() => decodeLeaseAttributes(text)).toThrow(message);
});

it('reads what it writes', () => {
  const attributes = fc.record({
    publicIp: fc.record({
      ipv4: fc
        .ipV4()
        .filter((text) => text !== '0.0.0.0')
        .map(parseAddress),
    }),
    backendType: fc.constantFrom(undefined, 'vxlan', 'host-gw'),
    backendData: fc.constantFrom(undefined, { VNI: 7 }, 'text'),
  });
  fc.assert(
    fc.property(attributes, (value) => {
      expect(decodeLeaseAttributes(encodeLeaseAttributes(value))).toEqual(value);
    }),
  );
});
