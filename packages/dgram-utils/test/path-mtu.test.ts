import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { connectSocket, largestPayload } from '../src/index.ts';
import { families, open } from './support/sockets.ts';

describe('largestPayload', () => {
  it.for([
    [4, 1500, 1472],
    [6, 1500, 1452],
    [4, 68, 40],
    [6, 1280, 1232],
    [4, 65_536, 65_507],
    [6, 65_536, 65_488],
    [6, 100_000, 65_527],
  ] as const)('over IPv%i with an MTU of %i is %i', ([family, mtu, bytes]) => {
    expect(largestPayload(mtu, family)).toBe(bytes);
  });

  it('refuses an MTU that no link can have', () => {
    const tooSmall = fc.oneof(fc.integer({ max: 67 }), fc.constantFrom(NaN, Infinity, 1500.5));
    fc.assert(
      fc.property(tooSmall, (mtu) => {
        expect(() => largestPayload(mtu, 4)).toThrow(RangeError);
      }),
    );
    expect(() => largestPayload(1279, 6)).toThrow('an MTU of 1279 is none of IPv6');
  });
});

describe.for(families)('a socket with pathMtu, over IPv%i,', (family) => {
  it('sends what crosses the path in one piece, and refuses one byte more', async () => {
    await using peer = await open(family);
    await using socket = await connectSocket({ remote: peer.local, pathMtu: 1400 });
    const limit = largestPayload(1400, family);
    const { sent, failures } = await socket.sendBatch([limit, limit + 1].map((size) => new Uint8Array(size)));
    expect({ sent, failures }).toMatchObject({
      sent: 1,
      failures: [{ index: 1, error: { name: 'MessageTooBigError', size: limit + 1, limit, ...peer.local } }],
    });
  });
});

it('a batch lists what the option and what the kernel refused in the order of the batch', async () => {
  await using socket = await open(4, { pathMtu: 1500 });
  const broadcast = { data: new Uint8Array(1), to: { address: '127.255.255.255', port: 9 } };
  const big = { data: new Uint8Array(1_473), to: socket.local };
  const { failures } = await socket.sendBatch([broadcast, big, broadcast]);
  expect(failures.map(({ index, error }) => [index, error.name])).toEqual([
    [0, 'PermissionError'],
    [1, 'MessageTooBigError'],
    [2, 'PermissionError'],
  ]);
});
