import { describe, expect, it } from 'vitest';
import {
  AddressMissingError,
  connectSocket,
  MessageTooBigError,
  openSocket,
  PermissionError,
  PortInUseError,
  type SocketError,
} from '../src/index.ts';
import { bytes, families, loopback, open } from './support/sockets.ts';

const failure = (promise: Promise<unknown>) =>
  promise.then(
    () => expect.unreachable(),
    (error: unknown) => error as SocketError,
  );

describe.for(families)('the kernel refuses, over IPv%i,', (family) => {
  it('a port that is in use', async () => {
    await using first = await open(family);
    const error = await failure(openSocket({ local: first.local }));
    expect(error).toBeInstanceOf(PortInUseError);
    expect(error).toMatchObject({ code: 'EADDRINUSE', syscall: 'bind', ...first.local });
    expect(error.cause).toMatchObject({ code: 'EADDRINUSE' });
    expect(error.message).toContain(`ss -lunp sport = :${first.local.port}`);
  });

  it('an address that no interface has', async () => {
    const address = { 4: '192.0.2.77', 6: '2001:db8::77' }[family];
    const error = await failure(openSocket({ local: { address, port: 8285 } }));
    expect(error).toBeInstanceOf(AddressMissingError);
    expect(error).toMatchObject({ code: 'EADDRNOTAVAIL', syscall: 'bind', address, port: 8285 });
  });

  it('a datagram that is bigger than UDP allows', async () => {
    await using socket = await open(family);
    const limit = { 4: 65_507, 6: 65_527 }[family];
    const error = await failure(socket.send(new Uint8Array(limit + 1), socket.local));
    expect(error).toBeInstanceOf(MessageTooBigError);
    expect(error).toMatchObject({ code: 'EMSGSIZE', syscall: 'send', ...socket.local });
    expect(error).toMatchObject({ size: limit + 1, limit });
    expect(socket.stats()).toMatchObject({ sent: 0, failed: 1 });
  });
});

it('a broadcast address is not permitted, for root too', async () => {
  await using socket = await open(4);
  const to = { address: '127.255.255.255', port: 9 };
  const error = await failure(socket.send(bytes('x'), to));
  expect(error).toBeInstanceOf(PermissionError);
  expect(error).toMatchObject({ code: 'EACCES', syscall: 'send', ...to });
});

it('what has no class of its own is a SocketError', async () => {
  // A link-local address without its interface.
  const local = { address: 'fe80::1', port: 8285 };
  const error = await failure(openSocket({ local }));
  expect(error).toMatchObject({ name: 'SocketError', code: 'EINVAL', syscall: 'bind', ...local });
  expect(error.message).toBe('UDP [fe80::1]:8285: bind failed (EINVAL)');
});

describe('a batch', () => {
  it('reports what failed by its index, and sends the rest', async () => {
    await using socket = await open(4);
    const good = { data: bytes('x'), to: socket.local };
    const result = await socket.sendBatch([
      { data: bytes('x'), to: { address: '127.255.255.255', port: 9 } },
      good,
      { data: new Uint8Array(65_508), to: socket.local },
      good,
    ]);
    expect(result.sent).toBe(2);
    expect(result.failures).toMatchObject([
      { index: 0, error: { name: 'PermissionError' } },
      { index: 2, error: { name: 'MessageTooBigError' } },
    ]);
    expect(socket.stats()).toMatchObject({ sent: 2, failed: 2 });
  });

  it('of nothing sends nothing', async () => {
    await using socket = await open(4);
    expect(await socket.sendBatch([])).toEqual({ sent: 0, failures: [] });
  });
});

describe('options that are none', () => {
  const local = loopback[4];
  const to = (address: string, port = 1) => ({ address, port });
  it.for<[field: string, () => Promise<unknown>, message: string]>([
    ['local.address', () => openSocket({ local: to('localhost') }), '"localhost" is no IP address: resolve'],
    ['local.port', () => openSocket({ local: to('::', 65_536) }), 'is 65536: pass 1 to 65535, or 0'],
    ['remote.address', () => connectSocket({ remote: to('peer') }), '"peer" is no IP address: resolve'],
    ['remote.address', () => connectSocket({ remote: to('::1'), local }), '::1 does not fit an IPv4 socket'],
    ['remote.port', () => connectSocket({ remote: to('::1', 0) }), 'is 0: pass 1 to 65535'],
    ['queueLimit', () => open(4, { queueLimit: 0 }), 'is 0: pass a whole number of datagrams from 1'],
    ['recvBufferSize', () => open(4, { recvBufferSize: -1 }), 'is -1: pass a whole number of bytes from 1'],
    ['sendBufferSize', () => open(4, { sendBufferSize: 0.5 }), 'is 0.5: pass a whole number of bytes from 1'],
    [
      'an MTU',
      () => open(6, { pathMtu: 576 }),
      'of 576 is none of IPv6: pass a whole number of bytes from 1280',
    ],
  ])('%s', async ([field, attempt, message]) => {
    const error = await failure(attempt());
    expect(error).toBeInstanceOf(RangeError);
    expect(error.message).toContain(`${field} ${message}`);
  });

  it('are noticed before anything of a batch is sent', async () => {
    await using socket = await open(6);
    const good = { data: bytes('x'), to: socket.local };
    const sending = socket.sendBatch([good, { data: bytes('x'), to: { address: '127.0.0.1', port: 9 } }]);
    await expect(sending).rejects.toThrow('batch[1].to.address 127.0.0.1 does not fit an IPv6 socket');
    await expect(socket.send(bytes('x'), { address: '::1', port: 0 })).rejects.toThrow('to.port is 0');
    expect(socket.stats()).toMatchObject({ sent: 0, failed: 0 });
  });
});
