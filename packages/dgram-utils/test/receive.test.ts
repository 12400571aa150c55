import { EventEmitter, once } from 'node:events';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { bytes, families, open, read, text, untilReceived } from './support/sockets.ts';

describe.for(families)('an IPv%i socket', (family) => {
  it('yields datagrams with where they come from', async () => {
    await using receiver = await open(family);
    await using sender = await open(family);
    const reading = read(receiver, 1);
    await sender.send(bytes('hello'), receiver.local);
    const [datagram] = await reading;
    expect(text(datagram!)).toBe('hello');
    expect(datagram!.from).toEqual(sender.local);
  });

  it('delivers any datagrams unchanged and in order', async () => {
    await using receiver = await open(family);
    await using sender = await open(family);
    const datagrams = fc.array(fc.uint8Array({ maxLength: 1500 }), { maxLength: 60 });
    await fc.assert(
      fc.asyncProperty(datagrams, async (sent) => {
        const result = await sender.sendBatch(sent.map((data) => ({ data, to: receiver.local })));
        expect(result).toEqual({ sent: sent.length, failures: [] });
        const received = await read(receiver, sent.length);
        expect(received.map(({ data }) => [...data])).toEqual(sent.map((data) => [...data]));
      }),
    );
  });
});

it('carries the largest datagram that there is', async () => {
  await using receiver = await open(4);
  await using sender = await open(4);
  const data = new Uint8Array(65_507).map((_, index) => index);
  await sender.send(data, receiver.local);
  expect(Buffer.compare((await read(receiver, 1))[0]!.data, data)).toBe(0);
});

describe('a queue that nobody reads', () => {
  it('keeps the oldest datagrams, drops what is too much, and counts', async () => {
    await using receiver = await open(4, { queueLimit: 1_000 });
    await using sender = await open(4);
    for (let sent = 0; sent < 10_000; sent += 100) {
      const batch = Array.from({ length: 100 }, (_, index) => bytes(`${sent + index}`));
      await sender.sendBatch(batch.map((data) => ({ data, to: receiver.local })));
      await untilReceived(receiver, sent + 100);
    }
    expect(receiver.stats()).toMatchObject({ received: 10_000, delivered: 0, dropped: 9_000, queued: 1_000 });
    expect(sender.stats()).toMatchObject({ sent: 10_000, failed: 0 });

    const first = await read(receiver, 600);
    expect(receiver.stats()).toMatchObject({ received: 10_000, delivered: 600, dropped: 9_000, queued: 400 });
    await sender.send(bytes('late'), receiver.local);
    const rest = await read(receiver, 401);
    const expected = [...Array(1_000).keys()].map(String);
    expect([...first, ...rest].map(text)).toEqual([...expected, 'late']);
    expect(receiver.stats()).toMatchObject({ received: 10_001, delivered: 1_001, dropped: 9_000, queued: 0 });
  });

  it('adds up at every moment while somebody reads slowly', async () => {
    await using receiver = await open(4, { queueLimit: 7 });
    await using sender = await open(4);
    const batch = Array.from({ length: 50 }, () => ({ data: bytes('x'), to: receiver.local }));
    const rounds = new EventEmitter();
    let seen = 0;
    const reading = (async () => {
      for await (const _ of receiver) if (++seen % 5 === 0) await once(rounds, 'next');
    })();
    for (let round = 1; round <= 20; round++) {
      await sender.sendBatch(batch);
      await untilReceived(receiver, round * 50);
      const { received, delivered, dropped, queued } = receiver.stats();
      expect(received).toBe(delivered + dropped + queued);
      expect(delivered).toBe(seen);
      expect(queued).toBeLessThanOrEqual(7);
      rounds.emit('next');
    }
    await receiver.close();
    await reading;
    const { received, delivered, dropped, queued } = receiver.stats();
    expect({ queued, received }).toEqual({ queued: 0, received: delivered + dropped });
  });
});

describe('iterations', () => {
  it('leave the socket open, and a later one goes on', async () => {
    await using receiver = await open(4);
    await using sender = await open(4);
    for (const word of ['one', 'two', 'three']) await sender.send(bytes(word), receiver.local);
    expect((await read(receiver, 1)).map(text)).toEqual(['one']);
    expect((await read(receiver, 2)).map(text)).toEqual(['two', 'three']);
  });

  it('share the datagrams when there are several, in the order in which they asked', async () => {
    await using receiver = await open(4);
    await using sender = await open(4);
    const reading = [read(receiver, 1), read(receiver, 1)];
    for (const word of ['one', 'two']) await sender.send(bytes(word), receiver.local);
    expect((await Promise.all(reading)).flat().map(text)).toEqual(['one', 'two']);
    expect(receiver.stats()).toMatchObject({ received: 2, delivered: 2, queued: 0 });
  });
});
