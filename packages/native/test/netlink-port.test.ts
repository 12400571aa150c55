import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import { expect, it } from 'vitest';
import { openNetlinkPort } from '../src/index.ts';

/** RTM_GETLINK with NLM_F_REQUEST|NLM_F_DUMP (linux/netlink.h, struct nlmsghdr and struct ifinfomsg). */
const dumpLinks = Buffer.from(`20000000120001030700000000000000${'00'.repeat(16)}`, 'hex');
const NLMSG_DONE = 3;

it('carries datagrams to the kernel and back', async () => {
  using port = openNetlinkPort();
  const { promise, resolve, reject } = Promise.withResolvers<Buffer[]>();
  const received: Buffer[] = [];
  port.listen((datagram) => {
    received.push(Buffer.from(datagram));
    if (received.at(-1)!.readUInt16LE(4) === NLMSG_DONE) resolve(received);
  }, reject);
  port.send(dumpLinks);
  const [first] = await promise;
  expect(first!.readUInt32LE(8)).toBe(7);
  expect(first!.includes('lo\0')).toBe(true);
});

it('says which system call failed and how', () => {
  expect(() => openNetlinkPort({ protocol: 99 })).toThrow(
    expect.objectContaining({ code: 'EPROTONOSUPPORT', errno: 93, syscall: 'socket AF_NETLINK' }),
  );
  expect(() => openNetlinkPort({ groups: [9999] })).toThrow(
    expect.objectContaining({ code: 'EINVAL', syscall: 'setsockopt NETLINK_ADD_MEMBERSHIP' }),
  );
});

it('is of no use after it was closed, and listens once', () => {
  const nothing = () => undefined;
  const port = openNetlinkPort();
  port.listen(nothing, nothing);
  expect(() => port.listen(nothing, nothing)).toThrow(expect.objectContaining({ code: 'EALREADY' }));
  port.close();
  port.close();
  expect(() => port.send(dumpLinks)).toThrow(expect.objectContaining({ code: 'EBADF' }));
  expect(() => port.listen(nothing, nothing)).toThrow(expect.objectContaining({ code: 'EBADF' }));
});

it.each([
  ['ends by itself when its ports are closed', 'close'],
  ['may exit with an open port', 'exit'],
  ['may end a thread with an open port', 'thread'],
])('a process %s', async (_, how) => {
  const script = fileURLToPath(new URL('support/open-port.ts', import.meta.url));
  const child = spawn(process.execPath, [script, how], { stdio: 'inherit' });
  expect(await once(child, 'exit')).toEqual([0, null]);
});
