import { parseAddress } from '@flannel-ts/ip';
import { beforeEach, describe, expect, it } from 'vitest';
import { createNetlink, NetlinkError, type NetlinkConnection, type Operation } from '../src/index.ts';
import { readMessages } from '../src/message-reader.ts';
import { FakePort, systemError } from './support/fake-port.ts';
import { answer, attribute, hex, message, only } from './support/messages.ts';

const ACK = 0x4;
const DUMP_INTR = 0x10;

let port: FakePort;
let netlink: NetlinkConnection;

beforeEach(() => {
  port = new FakePort();
  netlink = createNetlink({ openPort: () => port });
});

/** Deletes links `first` to `first + count - 1`. */
function deleteLinks(count: number, first = 1): Operation[] {
  return Array.from({ length: count }, (_, index) => ({ op: 'delete-link', index: first + index }));
}

/** Acknowledges what asks for it. */
function acknowledge(datagram: Buffer): void {
  for (const { flags, sequence } of readMessages(datagram)) if (flags & ACK) port.deliver(answer(sequence));
}

describe('batch', () => {
  it('sends many operations per datagram and asks for one acknowledgement each', async () => {
    port.kernel = acknowledge;
    await netlink.batch(deleteLinks(600));
    const datagrams = port.sent.map((datagram) => readMessages(datagram));
    expect(datagrams.map((messages) => messages.length)).toEqual([256, 256, 88]);
    for (const messages of datagrams) {
      expect(messages.filter(({ flags }) => flags & ACK)).toEqual([messages.at(-1)]);
    }
    const sequences = datagrams.flat().map(({ sequence }) => sequence);
    expect(new Set(sequences).size).toBe(600);
    expect(Math.max(...port.sent.map((datagram) => datagram.length))).toBeLessThan(64 * 1024);
  });

  it('sends nothing for no operations', async () => {
    expect(await netlink.batch([])).toEqual([]);
    expect(port.sent).toEqual([]);
  });

  it('puts each error at the place of its operation', async () => {
    port.kernel = (datagram) => {
      const last = readMessages(datagram).at(-1)!.sequence;
      port.deliver(answer(last - 1, 19));
      port.deliver(answer(last, 16, 'Device is in use'));
    };
    const results = await netlink.batch(deleteLinks(3));
    expect(results).toEqual([undefined, expect.any(NetlinkError), expect.any(NetlinkError)]);
    expect(results[1]).toMatchObject({ operation: 'link delete dev 2', errno: 19, code: 'ENODEV' });
    expect(results[1]!.message).toBe('link delete dev 2: ENODEV');
    expect(results[2]).toMatchObject({ code: 'EBUSY', kernelText: 'Device is in use' });
    expect(results[2]!.message).toBe('link delete dev 3: EBUSY (Device is in use)');
  });

  it("finds the kernel's text behind a request that is quoted whole", async () => {
    port.kernel = (datagram) => {
      const errno = hex('eaffffff'); // -22
      const body = Buffer.concat([errno, datagram, attribute(1, 'no\0')]);
      port.deliver(message(2, { flags: 0x200, sequence: only(datagram).sequence, body }));
    };
    await expect(netlink.request({ op: 'delete-link', index: 7 })).rejects.toMatchObject({
      kernelText: 'no',
    });
  });

  it('fails as a whole when answers were dropped, and the next one is not confused by late ones', async () => {
    const failed = netlink.batch(deleteLinks(2));
    await Promise.resolve();
    const late = answer(only(port.sent[0]!.subarray(32)).sequence);
    port.fail('ENOBUFS');
    await expect(failed).rejects.toMatchObject({ code: 'ENOBUFS' });
    port.kernel = (datagram) => {
      port.deliver(late);
      port.deliver(answer(only(datagram).sequence, 1));
    };
    expect(await netlink.batch(deleteLinks(1))).toEqual([expect.objectContaining({ code: 'EPERM' })]);
  });

  it('fails when sending fails', async () => {
    port.kernel = () => {
      throw systemError('EPERM');
    };
    await expect(netlink.batch(deleteLinks(1))).rejects.toMatchObject({ code: 'EPERM' });
  });

  it('lets requests wait their turn', async () => {
    const first = netlink.batch(deleteLinks(1, 10));
    const second = netlink.batch(deleteLinks(1, 20));
    await Promise.resolve();
    expect(port.sent).toHaveLength(1);
    port.kernel = acknowledge;
    acknowledge(port.sent[0]!);
    await Promise.all([first, second]);
    expect(port.sent.map((datagram) => only(datagram).body.readUInt32LE(4))).toEqual([10, 20]);
  });
});

describe('dump', () => {
  const NEWLINK = 16;
  const link = (index: number, name: string) => {
    const header = Buffer.alloc(16);
    header.writeUInt32LE(index, 4);
    return Buffer.concat([header, attribute(3, `${name}\0`)]);
  };
  /** A dump of one link per datagram; the first one is marked as interrupted, the first `interruptions` times. */
  function dumping(interruptions: number): void {
    let dumps = 0;
    port.kernel = (datagram) => {
      const { sequence } = only(datagram);
      const flags = dumps++ < interruptions ? DUMP_INTR : 0;
      port.deliver(message(NEWLINK, { flags, sequence, body: link(1, 'lo') }));
      port.deliver(message(NEWLINK, { sequence, body: link(2, 'eth0') }));
      port.deliver(message(3, { sequence, body: Buffer.alloc(4) }));
    };
  }

  it('collects the parts of all datagrams', async () => {
    dumping(0);
    expect(await netlink.links()).toMatchObject([
      { index: 1, name: 'lo' },
      { index: 2, name: 'eth0' },
    ]);
    expect(only(port.sent[0]!)).toMatchObject({ type: 18, flags: 0x301 });
  });

  it('is repeated when a change interrupted it', async () => {
    dumping(2);
    expect(await netlink.links()).toHaveLength(2);
    expect(port.sent).toHaveLength(3);
  });

  it('is not repeated for ever', async () => {
    dumping(Number.POSITIVE_INFINITY);
    expect(await netlink.links()).toHaveLength(2);
    expect(port.sent).toHaveLength(5);
  });

  it('skips what is malformed or of an unknown family', async () => {
    port.kernel = (datagram) => {
      const { sequence } = only(datagram);
      const mpls = hex('1c 14 00 00 fe 03 00 01 00000000');
      port.deliver(message(24, { sequence, body: mpls }), message(24, { sequence, body: hex('0218') }));
      port.deliver(message(3, { sequence, body: Buffer.alloc(4) }));
    };
    expect(await netlink.routes()).toEqual([]);
  });

  it("throws the error it ends with, with the kernel's text", async () => {
    port.kernel = (datagram) => {
      const { sequence } = only(datagram);
      const body = Buffer.concat([hex('edffffff'), attribute(1, 'no such link\0')]);
      port.deliver(message(3, { flags: 0x202, sequence, body }));
    };
    await expect(netlink.fdb({ linkIndex: 99 })).rejects.toMatchObject({
      operation: 'fdb show',
      code: 'ENODEV',
      kernelText: 'no such link',
    });
  });
});

describe('routeTo', () => {
  it('throws the error of the kernel', async () => {
    port.kernel = (datagram) => port.deliver(answer(only(datagram).sequence, 101));
    await expect(netlink.routeTo(parseAddress('192.0.2.1'))).rejects.toMatchObject({
      message: 'route get 192.0.2.1: ENETUNREACH',
    });
  });

  it('says so when the answer cannot be read', async () => {
    port.kernel = (datagram) => port.deliver(message(24, { sequence: only(datagram).sequence }));
    await expect(netlink.routeTo(parseAddress('192.0.2.1'))).rejects.toThrow('cannot be read');
  });
});

it('fails what waits and what comes when it is closed', async () => {
  const waiting = [netlink.links(), netlink.routes()];
  await Promise.resolve();
  await netlink[Symbol.asyncDispose]();
  expect(port.closed).toBe(true);
  for (const promise of [...waiting, netlink.links()]) await expect(promise).rejects.toThrow('is closed');
});
