import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { setImmediate as nextTurn } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
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

it('keeps nothing of a port that was closed, though its listener refers to the port', async () => {
  const listener = listenAndClose();
  await nextTurn();
  collectGarbage();
  expect(listener.deref()).toBeUndefined();
});

function listenAndClose(): WeakRef<object> {
  const port = openNetlinkPort();
  const onDatagram = () => port.send(dumpLinks);
  port.listen(onDatagram, onDatagram);
  port.close();
  return new WeakRef(onDatagram);
}

function collectGarbage(): void {
  setFlagsFromString('--expose-gc');
  (runInNewContext('gc') as () => void)();
}

it.each([
  ['ends by itself when its ports are closed', 'close'],
  ['may exit with an open port', 'exit'],
  ['may end a thread with an open port', 'thread'],
])('a process %s', async (_, how) => {
  const script = fileURLToPath(new URL('support/open-port.ts', import.meta.url));
  const child = spawn(process.execPath, [script, how], { stdio: 'inherit' });
  expect(await once(child, 'exit')).toEqual([0, null]);
});
