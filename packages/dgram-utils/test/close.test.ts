import { execFile } from 'node:child_process';
import { getEventListeners } from 'node:events';
import { fileURLToPath } from 'node:url';
import { setImmediate as nextTurn } from 'node:timers/promises';
import { promisify } from 'node:util';
import { describe, expect, it } from 'vitest';
import { openSocket, PortInUseError, SocketClosedError } from '../src/index.ts';
import { bytes, open, untilReceived } from './support/sockets.ts';

describe('a socket that is closed', () => {
  it.for(['close', 'signal'] as const)('ends an iteration that waits, by %s', async (how) => {
    const abort = new AbortController();
    await using socket = await open(4, { signal: abort.signal });
    const next = socket[Symbol.asyncIterator]().next();
    if (how === 'close') await socket.close();
    else abort.abort();
    expect(await next).toEqual({ done: true, value: undefined });
  });

  it('ends an iteration in the middle, and drops what is queued', async () => {
    const abort = new AbortController();
    await using receiver = await open(4, { signal: abort.signal });
    await using sender = await open(4);
    const to = receiver.local;
    await sender.sendBatch(['one', 'two', 'three'].map((word) => ({ data: bytes(word), to })));
    await untilReceived(receiver, 3);
    let seen = 0;
    for await (const _ of receiver) {
      seen++;
      abort.abort();
    }
    expect(seen).toBe(1);
    expect(receiver.stats()).toMatchObject({ received: 3, delivered: 1, dropped: 2, queued: 0 });
    for await (const _ of receiver) expect.unreachable();
  });

  it('frees its port at once, and may be closed again', async () => {
    const first = await open(4);
    const closing = first.close();
    await using second = await openSocket({ local: first.local });
    expect(second.local).toEqual(first.local);
    await Promise.all([closing, first.close(), first[Symbol.asyncDispose]()]);
  });

  it('sends nothing more, and says why', async () => {
    const abort = new AbortController();
    await using socket = await open(4, { signal: abort.signal });
    const to = { address: '127.0.0.1', port: 9 };
    const before = socket.send(bytes('x'), to);
    abort.abort(new Error('shut down'));
    await before;
    const after = socket.send(bytes('x'), to);
    await expect(after).rejects.toThrow(SocketClosedError);
    await expect(after).rejects.toMatchObject({ cause: { message: 'shut down' } });
    const { sent, failures } = await socket.sendBatch([{ data: bytes('x'), to }]);
    expect({ sent, failures }).toMatchObject({ sent: 0, failures: [{ index: 0 }] });
    expect(socket.stats()).toMatchObject({ sent: 1, failed: 2 });
  });
});

describe('a signal', () => {
  it('that has aborted before opens nothing', async () => {
    const signal = AbortSignal.abort(new Error('too late'));
    await expect(open(4, { signal })).rejects.toThrow('too late');
  });

  it('that aborts while the socket opens leaves nothing open', async () => {
    await using taken = await open(4);
    const { local } = taken;
    await taken.close();
    const abort = new AbortController();
    const opening = openSocket({ local, signal: abort.signal });
    abort.abort(new Error('changed my mind'));
    await expect(opening).rejects.toThrow('changed my mind');
    await using again = await openSocket({ local });
    expect(again.local).toEqual(local);
  });

  it('is let go of when the socket is closed', async () => {
    const { signal } = new AbortController();
    const socket = await open(4, { signal });
    expect(getEventListeners(signal, 'abort')).toHaveLength(1);
    await socket.close();
    expect(getEventListeners(signal, 'abort')).toEqual([]);
  });
});

it('a process ends by itself when its sockets are closed', async () => {
  const program = fileURLToPath(new URL('support/converse-and-close.ts', import.meta.url));
  const { stdout } = await promisify(execFile)(process.execPath, [program], { timeout: 50_000 });
  expect(stdout).toBe('pong\nclosed\n');
});

it('a socket that cannot be opened is closed', async () => {
  await using taken = await open(4);
  const sockets = () => process.getActiveResourcesInfo().filter((name) => name === 'UDPWrap').length;
  await nextTurn();
  const before = sockets();
  await expect(openSocket({ local: taken.local })).rejects.toThrow(PortInUseError);
  while (sockets() > before) await nextTurn();
});
