import { fileURLToPath } from 'node:url';
import { setImmediate as nextTurn } from 'node:timers/promises';
import { start } from '@flannel-ts/lab';
import { describe, expect, it } from 'vitest';
import { connectSocket, UnreachableError } from '../src/index.ts';
import { bytes, families, loopback, open, read, text } from './support/sockets.ts';

/** A port that nothing listens on. */
async function freePort(family: 4 | 6) {
  await using socket = await open(family);
  return socket.local;
}

describe.for(families)('a connected IPv%i socket', (family) => {
  it('converses with its peer, from the address that the route prefers', async () => {
    await using peer = await open(family);
    await using socket = await connectSocket({ remote: peer.local });
    expect(socket.remote).toEqual(peer.local);
    expect(socket.local.address).toBe(loopback[family].address);
    await socket.send(bytes('ping'));
    const [datagram] = await read(peer, 1);
    expect(datagram!.from).toEqual(socket.local);
    await peer.sendBatch(['one', 'two'].map((word) => ({ data: bytes(word), to: datagram!.from })));
    expect((await read(socket, 2)).map(text)).toEqual(['one', 'two']);
    expect(await socket.sendBatch([bytes('three'), bytes('four')])).toEqual({ sent: 2, failures: [] });
    expect((await read(peer, 2)).map(text)).toEqual(['three', 'four']);
  });

  it('does not hear anybody else', async () => {
    await using peer = await open(family);
    await using socket = await connectSocket({ remote: peer.local });
    await using stranger = await open(family);
    await stranger.send(bytes('not from your peer'), socket.local);
    await peer.send(bytes('from your peer'), socket.local);
    expect((await read(socket, 1)).map(text)).toEqual(['from your peer']);
  });

  it('tells a reader who waits that nobody listens, and goes on', async () => {
    const remote = await freePort(family);
    await using socket = await connectSocket({ remote });
    const reading = read(socket, 1);
    await socket.send(bytes('anybody?'));
    await expect(reading).rejects.toThrow(UnreachableError);
    await expect(reading).rejects.toMatchObject({ code: 'ECONNREFUSED', syscall: 'recvmsg', ...remote });

    await using peer = await open(family);
    await using again = await connectSocket({ remote: peer.local });
    const next = read(again, 1);
    await peer.send(bytes('here'), again.local);
    expect((await next).map(text)).toEqual(['here']);
  });

  it('tells the next send when nobody reads', async () => {
    const remote = await freePort(family);
    await using socket = await connectSocket({ remote });
    await socket.send(bytes('anybody?'));
    // The kernel knows before the send returns; Node learns it when it polls.
    await nextTurn();
    await nextTurn();
    await expect(socket.send(bytes('anybody?'))).rejects.toMatchObject({
      ...{ name: 'UnreachableError', code: 'ECONNREFUSED', syscall: 'recvmsg' },
      ...remote,
    });
  });
});

it('a connected socket does not hear what came before it was connected', async () => {
  const local = await freePort(4);
  const program = fileURLToPath(new URL('support/flood.ts', import.meta.url));
  await using flood = start([process.execPath, program, `${local.port}`]);
  await flood.line(/flooding/);
  for (let opened = 0; opened < 300; opened++) {
    await using socket = await connectSocket({ local, remote: { address: '127.0.0.1', port: 9 } });
    await nextTurn();
    await nextTurn();
    expect(socket.stats().received).toBe(0);
  }
});
