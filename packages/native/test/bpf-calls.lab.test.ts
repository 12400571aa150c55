import { openSync, readlinkSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { bpfCalls } from '../src/index.ts';

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
