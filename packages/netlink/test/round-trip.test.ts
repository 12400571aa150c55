import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { decodeEvent } from '../src/decode-event.ts';
import { encodeOperation, LARGEST_OPERATION_BYTES } from '../src/encode-operation.ts';
import type { Operation } from '../src/index.ts';
import { MessageWriter } from '../src/message-writer.ts';
import { fdbEntry, linkAddress, neighbour, route } from './support/arbitraries.ts';
import { only } from './support/messages.ts';

/** What is put, as the kernel would report it: it repeats the message of the request. */
function reported(operation: Operation) {
  const writer = new MessageWriter(LARGEST_OPERATION_BYTES);
  encodeOperation(writer, operation, 1);
  return decodeEvent(only(writer.datagram()));
}

describe('what is encoded is decoded to the same', () => {
  it('addresses', () => {
    fc.assert(
      fc.property(linkAddress, (address) => {
        expect(reported({ op: 'put-address', address })).toEqual({ kind: 'address', change: 'put', address });
        expect(reported({ op: 'delete-address', address })).toMatchObject({ change: 'removed', address });
      }),
    );
  });

  it('routes', () => {
    fc.assert(
      fc.property(route, (value) => {
        expect(reported({ op: 'put-route', route: value })).toEqual({
          kind: 'route',
          change: 'put',
          route: value,
        });
      }),
    );
  });

  it('neighbours', () => {
    fc.assert(
      fc.property(neighbour, (value) => {
        expect(reported({ op: 'put-neighbour', neighbour: value })).toEqual({
          kind: 'neighbour',
          change: 'put',
          neighbour: value,
        });
      }),
    );
  });

  it('FDB entries', () => {
    fc.assert(
      fc.property(fdbEntry, (entry) => {
        expect(reported({ op: 'put-fdb', entry })).toEqual({ kind: 'fdb', change: 'put', entry });
        expect(reported({ op: 'delete-fdb', entry })).toMatchObject({
          kind: 'fdb',
          change: 'removed',
          entry,
        });
      }),
    );
  });
});
