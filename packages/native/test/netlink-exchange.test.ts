import { expect, it } from 'vitest';
import { openNetlinkExchange } from '../src/index.ts';

/** linux/netlink.h, linux/rtnetlink.h */
const NETLINK_ROUTE = 0;
const NLM_F_REQUEST = 1;
const NLM_F_ACK = 4;
const NLMSG_NOOP = 1;
const NLMSG_ERROR = 2;
const RTM_NEWLINK = 16;
const RTM_GETLINK = 18;

/** A message: struct nlmsghdr and what belongs to its type. */
function message(type: number, flags: number, sequence: number, body = Buffer.alloc(0)): Buffer {
  const header = Buffer.alloc(16);
  header.writeUInt32LE(header.length + body.length, 0);
  header.writeUInt16LE(type, 4);
  header.writeUInt16LE(flags, 6);
  header.writeUInt32LE(sequence, 8);
  return Buffer.concat([header, body]);
}

/** Asks for a link: struct ifinfomsg with its index. */
function getLink(index: number, sequence: number): Buffer {
  const body = Buffer.alloc(16);
  body.writeUInt32LE(index, 4);
  return message(RTM_GETLINK, NLM_F_REQUEST, sequence, body);
}

function read(answer: Uint8Array) {
  const bytes = Buffer.from(answer);
  const length = bytes.readUInt32LE(0);
  return { length, type: bytes.readUInt16LE(4), sequence: bytes.readUInt32LE(8), body: bytes.subarray(16) };
}

it('returns the answer of the kernel', () => {
  using port = openNetlinkExchange(NETLINK_ROUTE);
  const answer = port.exchange(getLink(1, 7));
  const { body, ...header } = read(answer);
  expect(header).toEqual({ length: answer.length, type: RTM_NEWLINK, sequence: 7 });
  expect(body.readUInt32LE(4)).toBe(1);
  expect(body.includes('lo\0')).toBe(true);
});

it('returns an error of the kernel as any other answer', () => {
  using port = openNetlinkExchange(NETLINK_ROUTE);
  const { type, sequence, body } = read(port.exchange(getLink(0x7fffffff, 8)));
  expect({ type, sequence }).toEqual({ type: NLMSG_ERROR, sequence: 8 });
  expect(body.readInt32LE(0)).toBe(-19); // ENODEV
});

it('fails when the kernel has nothing to answer, and goes on', () => {
  using port = openNetlinkExchange(NETLINK_ROUTE);
  expect(() => port.exchange(message(NLMSG_NOOP, NLM_F_REQUEST, 1))).toThrow(
    expect.objectContaining({ code: 'EAGAIN', errno: 11, syscall: 'recv AF_NETLINK' }),
  );
  const { type, sequence, body } = read(port.exchange(message(NLMSG_NOOP, NLM_F_REQUEST | NLM_F_ACK, 2)));
  expect({ type, sequence, errno: body.readInt32LE(0) }).toEqual({
    type: NLMSG_ERROR,
    sequence: 2,
    errno: 0,
  });
  expect(read(port.exchange(getLink(1, 3)))).toMatchObject({ type: RTM_NEWLINK, sequence: 3 });
});

it('leaves an answer as it is when the next one comes', () => {
  using port = openNetlinkExchange(NETLINK_ROUTE);
  const first = port.exchange(getLink(1, 1));
  const copy = Buffer.from(first);
  port.exchange(getLink(0x7fffffff, 2));
  expect(Buffer.from(first)).toEqual(copy);
});

it('is of no use after it was disposed of', () => {
  const port = openNetlinkExchange(NETLINK_ROUTE);
  port[Symbol.dispose]();
  port[Symbol.dispose]();
  expect(() => port.exchange(getLink(1, 1))).toThrow(
    expect.objectContaining({ code: 'EBADF', errno: 9, syscall: 'sendto AF_NETLINK' }),
  );
});

it('speaks the protocol that it is opened for', () => {
  expect(() => openNetlinkExchange(99)).toThrow(
    expect.objectContaining({ code: 'EPROTONOSUPPORT', errno: 93, syscall: 'socket AF_NETLINK' }),
  );
});
