import { parseAddress } from '@flannel-ts/ip';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { decodeLeaseAttributes, encodeLeaseAttributes, LeaseValueError, type Json } from '../src/index.ts';

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

/** Text that another program may have written: hostile keys, values of the wrong type, deep nesting, length. */
const hostileText = fc.oneof(
  fc.string(),
  fc
    .dictionary(
      fc.constantFrom(
        'PublicIP',
        'publicip',
        'PublicIPv6',
        'BackendType',
        'BackendData',
        '__proto__',
        'toString',
      ),
      fc.oneof(
        fc.jsonValue(),
        fc.constantFrom('192.0.2.1', '2001:db8::1', null),
        fc.nat(200_000).map((length) => 'x'.repeat(length)),
      ),
    )
    .map((object) => JSON.stringify(object)),
  fc
    .tuple(
      fc.constantFrom('PublicIP', 'PublicIPv6', 'BackendType', 'BackendData', 'toJSON'),
      fc.integer({ min: 1, max: 20_000 }),
      fc.constantFrom(['[', '1', ']'], ['{"a":', 'null', '}'], ['{"__proto__":', '{}', '}']),
    )
    .map(
      ([field, depth, [open, value, close]]) =>
        `{"PublicIP":"192.0.2.1","${field}":${open.repeat(depth)}${value}${close.repeat(depth)}}`,
    ),
);

it('either reads a text and can write it again, or throws a LeaseValueError with a short message', () => {
  fc.assert(
    fc.property(hostileText, (text) => {
      const result = attempt(() => decodeLeaseAttributes(text));
      if (result instanceof Error) {
        expect(result).toBeInstanceOf(LeaseValueError);
        expect(result.message.length).toBeLessThan(200);
      } else {
        expect(attempt(() => encodeLeaseAttributes(result))).toBeTypeOf('string');
      }
    }),
    { numRuns: 500 },
  );
});

it('refuses backend data that is nested deeper than 100, which overflows the stack of what walks it', () => {
  const nested = (depth: number) =>
    `{"PublicIP":"192.0.2.1","BackendData":${'['.repeat(depth)}${']'.repeat(depth)}}`;
  expect(decodeLeaseAttributes(nested(100)).backendData).toBeDefined();
  expect(() => decodeLeaseAttributes(nested(101))).toThrow('BackendData must be nested at most 100 deep');
  expect(() => decodeLeaseAttributes(nested(10_000))).toThrow(LeaseValueError);
});

it('refuses to write backend data that is no JSON', () => {
  const cyclic: { self?: Json } = {};
  cyclic.self = cyclic;
  const publicIp = { ipv4: parseAddress('192.0.2.1') };
  for (const backendData of [cyclic as Json, 1n as unknown as Json]) {
    expect(() => encodeLeaseAttributes({ publicIp, backendData })).toThrow(LeaseValueError);
  }
});

/** Values that JSON holds as they are: it has no -0. */
const jsonValue = fc.json().map((text): unknown => JSON.parse(text.replaceAll('-0', '0')));

it('reads what it writes', () => {
  const attributes = fc.record({
    publicIp: fc.record({
      ipv4: fc
        .ipV4()
        .filter((text) => text !== '0.0.0.0')
        .map(parseAddress),
    }),
    backendType: fc.constantFrom(undefined, 'vxlan', 'host-gw'),
    backendData: fc.option(
      jsonValue.filter((value) => value !== null),
      { nil: undefined },
    ) as fc.Arbitrary<Json | undefined>,
  });
  fc.assert(
    fc.property(attributes, (value) => {
      expect(decodeLeaseAttributes(encodeLeaseAttributes(value))).toEqual(value);
    }),
  );
});

function attempt<T>(body: () => T): T | Error {
  try {
    return body();
  } catch (error) {
    return error as Error;
  }
}
