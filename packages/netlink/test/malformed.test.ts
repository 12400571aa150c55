import { parseAddress } from '@flannel-ts/ip';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { readAnswer } from '../src/answers.ts';
import { decodeEvent } from '../src/decode-event.ts';
import { encodeOperation, LARGEST_OPERATION_BYTES } from '../src/encode-operation.ts';
import { readMessages } from '../src/message-reader.ts';
import { MessageWriter } from '../src/message-writer.ts';
import { fdbEntry, linkAddress, neighbour, route } from './support/arbitraries.ts';
import { message } from './support/messages.ts';

const runs = { numRuns: 2_000 };
const eventTypes = fc.constantFrom(16, 17, 20, 21, 24, 25, 28, 29);
const families = fc.constantFrom(0, 2, 7, 10, 28);

/** Datagrams as the encoder writes them. */
const datagram = fc
  .oneof(
    linkAddress.map((address) => ({ op: 'put-address' as const, address })),
    route.map((value) => ({ op: 'put-route' as const, route: value })),
    neighbour.map((value) => ({ op: 'put-neighbour' as const, neighbour: value })),
    fdbEntry.map((entry) => ({ op: 'put-fdb' as const, entry })),
    fc.constant({
      op: 'create-link' as const,
      link: {
        kind: 'vxlan' as const,
        ...{ name: 'flannel.1', vni: 1, port: 8472, parentIndex: 2 },
        ...{ local: parseAddress('192.0.2.1'), learning: false, gbp: true },
      },
    }),
  )
  .map((operation) => {
    const writer = new MessageWriter(LARGEST_OPERATION_BYTES);
    encodeOperation(writer, operation, 1);
    return Buffer.from(writer.datagram());
  });

function decode(bytes: Uint8Array): void {
  for (const found of readMessages(bytes)) decodeEvent(found);
}

describe('what is malformed never throws', () => {
  it('random bytes', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 256 }), (bytes) => decode(bytes)),
      runs,
    );
  });

  it('random bytes behind a header of a known type and family', () => {
    fc.assert(
      fc.property(eventTypes, families, fc.uint8Array({ maxLength: 128 }), (type, family, bytes) => {
        decode(message(type, { body: Buffer.from([family, ...bytes]) }));
      }),
      runs,
    );
  });

  it('flipped bits', () => {
    fc.assert(
      fc.property(datagram, fc.nat(), fc.nat({ max: 7 }), (bytes, at, bit) => {
        const flipped = Buffer.from(bytes);
        flipped[at % flipped.length]! ^= 1 << bit;
        decode(flipped);
      }),
      runs,
    );
  });

  it('answers of random bytes', () => {
    fc.assert(
      fc.property(fc.constantFrom(2, 3), fc.nat(0x3ff), fc.uint8Array(), (type, flags, bytes) => {
        readAnswer({ type, flags, sequence: 1, body: Buffer.from(bytes) }, () => 'link show');
      }),
      runs,
    );
  });
});

it('a datagram that was cut anywhere loses its last message and nothing else', () => {
  fc.assert(
    fc.property(datagram, datagram, fc.nat(), (first, second, cut) => {
      const bytes = Buffer.concat([first, second.subarray(0, cut % second.length)]);
      expect(readMessages(bytes)).toEqual(readMessages(first));
    }),
  );
});

it('an attribute that reaches beyond its message is not read', () => {
  const body = Buffer.from(
    '02180000fe03000100000000' + '08000100' + '0a050100' + 'ff000f00' + '00000000',
    'hex',
  );
  expect(decodeEvent({ type: 24, flags: 0, sequence: 0, body })).toMatchObject({ route: { table: 254 } });
});

it('a route with an impossible prefix length is skipped', () => {
  const body = Buffer.from('02210000fe03000100000000', 'hex');
  expect(decodeEvent({ type: 24, flags: 0, sequence: 0, body })).toBeUndefined();
});

it.each(['', '02:00:00:00:00', '02:00:00:00:00:0g', '02:00:00:00:00:01:02', '2:0:0:0:0:1'])(
  'the MAC address "%s" is refused',
  (mac) => {
    const writer = new MessageWriter(64);
    expect(() => writer.attributeMac(2, mac)).toThrow(RangeError);
  },
);
