import { createNamespace, type Namespace } from '@flannel-ts/lab';
import { openSync, readlinkSync } from 'node:fs';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { bpfCalls, inNamespace } from '../src/index.ts';

/** linux/if_arp.h */
const ARPHRD_ETHER = 1;
const ARPHRD_LOOPBACK = 772;
const ARPHRD_NONE = 65534;

describe('findInterface', () => {
  /** As long as a name may be. */
  const longest = 'fifteen-letters';
  let namespace: Namespace;
  beforeEach(async () => {
    namespace = await createNamespace(`ftlab-${process.pid}-interface`);
    const add = (index: number, ...link: string[]) =>
      namespace.run('ip', 'link', 'add', 'index', `${index}`, ...link);
    await add(70, 'name', 'br0', 'type', 'bridge');
    await add(71, 'name', 'gpe0', 'type', 'vxlan', 'dstport', '4790', 'external', 'gpe');
    await add(72, 'name', longest, 'type', 'bridge');
  });
  afterEach(() => namespace[Symbol.asyncDispose]());

  const find = (name: string) => inNamespace(namespace.path, () => bpfCalls().findInterface(name));

  it('finds an interface of this process', () => {
    expect(bpfCalls().findInterface('lo')).toEqual({ index: 1, type: ARPHRD_LOOPBACK });
  });

  it('says whether an interface has Ethernet headers', () => {
    expect(find('br0')).toEqual({ index: 70, type: ARPHRD_ETHER });
    expect(find('gpe0')).toEqual({ index: 71, type: ARPHRD_NONE });
  });

  it('finds nothing for a name that no interface has', () => {
    expect(find('br1')).toBeUndefined();
    expect(find('')).toBeUndefined();
  });

  it('does not cut a name that is too long', () => {
    expect(find(longest)).toEqual({ index: 72, type: ARPHRD_ETHER });
    expect(find(`${longest}-`)).toBeUndefined();
    expect(find('x'.repeat(1_000))).toBeUndefined();
  });

  it('looks in the network namespace of this thread', () => {
    expect(bpfCalls().findInterface(longest)).toBeUndefined();
  });
});

describe('a file descriptor', () => {
  /** It is a file of this process, which nothing else needs. */
  const open = () => openSync('/proc/self/stat', 'r');
  const fileOf = (descriptor: number) => {
    try {
      return readlinkSync(`/proc/self/fd/${descriptor}`);
    } catch {
      return undefined;
    }
  };

  it('is open until it is closed', () => {
    const file = open();
    expect(fileOf(file)).toMatch(/stat$/);
    bpfCalls().closeDescriptor(file);
    // Its number may be that of another file by now.
    expect(fileOf(file) ?? 'closed').not.toMatch(/stat$/);
  });

  it('that is none can be closed', () => {
    expect(() => bpfCalls().closeDescriptor(-1)).not.toThrow();
  });
});

it('a call that failed says which it was and how', () => {
  expect(() => bpfCalls().bpfLoadSkeleton(new Uint8Array(8), new Uint8Array(8), [], 0)).toThrow(
    expect.objectContaining({ code: 'EINVAL', errno: 22, syscall: 'bpf BPF_PROG_LOAD' }),
  );
  expect(() => bpfCalls().bpfReadElement(-1, new Uint8Array(4), new Uint8Array(8))).toThrow(
    expect.objectContaining({ code: 'EBADF', errno: 9, syscall: 'bpf BPF_MAP_LOOKUP_ELEM' }),
  );
});
