import { expect, it } from 'vitest';
import { openSocket } from '../src/index.ts';
import { bytes, open, read, text } from './support/sockets.ts';

it('buffers are as big as asked, as the kernel counts', async () => {
  await using usual = await open(4);
  await using small = await open(4, { recvBufferSize: 8_192, sendBufferSize: 16_384 });
  expect([small.recvBufferSize, small.sendBufferSize]).toEqual([16_384, 32_768]);
  expect(usual.recvBufferSize).toBeGreaterThan(16_384);
});

it('sockets that all allow it share a port', async () => {
  await using first = await open(4, { reuseAddr: true });
  await using second = await openSocket({ local: first.local, reuseAddr: true });
  await second.send(bytes('x'), first.local);
  expect(text((await read(second, 1))[0]!)).toBe('x');
});

it('an IPv6 socket at all addresses hears IPv4 too, unless it is IPv6 only', async () => {
  await using both = await openSocket({ local: { address: '::', port: 0 } });
  await using sender = await open(4);
  await sender.send(bytes('x'), { address: '127.0.0.1', port: both.local.port });
  const [{ from } = expect.unreachable()] = await read(both, 1);
  expect(from).toEqual({ address: '::ffff:127.0.0.1', port: sender.local.port });
  await both.send(bytes('y'), from);
  expect((await read(sender, 1)).map(text)).toEqual(['y']);

  await using six = await openSocket({ local: { address: '::', port: 0 }, ipv6Only: true });
  await using four = await openSocket({ local: { address: '0.0.0.0', port: six.local.port } });
  expect(four.local.port).toBe(six.local.port);
  await using plain = await open(4, { ipv6Only: true });
  expect(plain.local.address).toBe('127.0.0.1');
});
