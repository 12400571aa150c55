import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { createMap, type BpfMap, type BpfMapOptions } from '../src/index.ts';

const bytes = (...numbers: number[]) => Uint8Array.from(numbers);
const createHash = (options: Partial<BpfMapOptions> = {}) =>
  createMap({ type: 'hash', keyBytes: 2, valueBytes: 3, maxEntries: 4, ...options });
const createArray = () => createMap({ type: 'array', keyBytes: 4, valueBytes: 8, maxEntries: 2 });

/** linux/bpf.h */
const BPF_F_NO_PREALLOC = 1;

/** The array's key of a number in the machine's byte order. */
const nth = (index: number) => new Uint8Array(Uint32Array.of(index).buffer);

describe('a hash map', () => {
  it('has the entries that were set, replaced and deleted', () => {
    using map = createHash();
    expect(map.get(bytes(1, 0))).toBeUndefined();
    map.set(bytes(1, 0), bytes(1, 2, 3));
    map.set(bytes(0, 1), bytes(4, 5, 6));
    expect(map.get(bytes(1, 0))).toEqual(bytes(1, 2, 3));
    expect(map.get(bytes(0, 1))).toEqual(bytes(4, 5, 6));
    map.set(bytes(1, 0), bytes(7, 8, 9));
    expect(map.get(bytes(1, 0))).toEqual(bytes(7, 8, 9));
    map.delete(bytes(1, 0));
    expect(map.get(bytes(1, 0))).toBeUndefined();
    expect(map.get(bytes(0, 1))).toEqual(bytes(4, 5, 6));
  });

  it('takes a deletion of what is not there', () => {
    using map = createHash();
    expect(() => map.delete(bytes(1, 0))).not.toThrow();
  });

  it('refuses one entry more than it has room for, and has room again after a deletion', () => {
    using map = createHash();
    for (const key of [0, 1, 2, 3]) map.set(bytes(key, 0), bytes(key, 0, 0));
    const full = { code: 'E2BIG', syscall: 'bpf BPF_MAP_UPDATE_ELEM' };
    expect(() => map.set(bytes(4, 0), bytes(4, 0, 0))).toThrow(expect.objectContaining(full));
    expect(map.get(bytes(4, 0))).toBeUndefined();
    map.set(bytes(3, 0), bytes(9, 9, 9));
    map.delete(bytes(0, 0));
    map.set(bytes(4, 0), bytes(4, 0, 0));
    expect(map.get(bytes(4, 0))).toEqual(bytes(4, 0, 0));
    expect(map.get(bytes(3, 0))).toEqual(bytes(9, 9, 9));
  });

  it('takes memory for the entries that it has, not for those that it may have', () => {
    using map = createHash({ valueBytes: 4096, maxEntries: 65_536 });
    const info = readFileSync(`/proc/self/fdinfo/${map.descriptor}`, 'utf8');
    // Before Linux 6.4 its `memlock` is what the map may take at most.
    const [, flags] = /^map_flags:\s*(\S+)$/m.exec(info)!;
    expect(Number(flags) & BPF_F_NO_PREALLOC).toBe(BPF_F_NO_PREALLOC);
  });

  it('reads the bytes of a view, and not what lies around them', () => {
    using map = createHash();
    const memory = bytes(0, 1, 2, 3, 4, 5, 6, 7);
    map.set(memory.subarray(1, 3), memory.subarray(4, 7));
    expect(map.get(bytes(1, 2))).toEqual(bytes(4, 5, 6));
  });

  it('returns a copy', () => {
    using map = createHash();
    map.set(bytes(1, 0), bytes(1, 2, 3));
    map.get(bytes(1, 0))!.fill(0);
    expect(map.get(bytes(1, 0))).toEqual(bytes(1, 2, 3));
  });
});

describe('an array', () => {
  it('has zeros at first, and then what was set', () => {
    using map = createArray();
    expect([map.get(nth(0)), map.get(nth(1))]).toEqual([new Uint8Array(8), new Uint8Array(8)]);
    map.set(nth(1), bytes(1, 2, 3, 4, 5, 6, 7, 8));
    expect(map.get(nth(0))).toEqual(new Uint8Array(8));
    expect(map.get(nth(1))).toEqual(bytes(1, 2, 3, 4, 5, 6, 7, 8));
  });

  it('has nothing behind its end', () => {
    using map = createArray();
    expect(map.get(nth(2))).toBeUndefined();
    expect(() => map.set(nth(2), new Uint8Array(8))).toThrow(expect.objectContaining({ code: 'E2BIG' }));
  });

  it('cannot lose an entry', () => {
    using map = createArray();
    const refused = { code: 'EINVAL', syscall: 'bpf BPF_MAP_DELETE_ELEM' };
    expect(() => map.delete(nth(0))).toThrow(expect.objectContaining(refused));
  });
});

describe('a key or a value of another size', () => {
  it.for([0, 1, 3, 8])('is refused before the kernel sees it: %d bytes', (length) => {
    using map = createHash({ keyBytes: 2, valueBytes: 2 });
    const wrong = new Uint8Array(length);
    const error = (what: string) => new RangeError(`a ${what} of this map has 2 bytes, not ${length}`);
    expect(() => map.get(wrong)).toThrow(error('key'));
    expect(() => map.delete(wrong)).toThrow(error('key'));
    expect(() => map.set(wrong, bytes(0, 0))).toThrow(error('key'));
    expect(() => map.set(bytes(0, 0), wrong)).toThrow(error('value'));
    expect(map.get(bytes(0, 0))).toBeUndefined();
  });
});

describe('the kernel refuses', () => {
  it.for<[what: string, options: BpfMapOptions, code: string]>([
    ['no bytes of key', { type: 'hash', keyBytes: 0, valueBytes: 8, maxEntries: 1 }, 'EINVAL'],
    ['no bytes of value', { type: 'hash', keyBytes: 4, valueBytes: 0, maxEntries: 1 }, 'EINVAL'],
    ['no entries', { type: 'hash', keyBytes: 4, valueBytes: 8, maxEntries: 0 }, 'EINVAL'],
    ['an array with 8 bytes of key', { type: 'array', keyBytes: 8, valueBytes: 8, maxEntries: 1 }, 'EINVAL'],
    ['a value of 4 GiB', { type: 'array', keyBytes: 4, valueBytes: 0xffffffff, maxEntries: 1 }, 'E2BIG'],
  ])('%s', ([, options, code]) => {
    expect(() => createMap(options)).toThrow(
      expect.objectContaining({ code, syscall: 'bpf BPF_MAP_CREATE' }),
    );
  });
});

describe('a map that is disposed of', () => {
  function expectClosed(map: BpfMap): void {
    const uses = [
      () => map.get(bytes(1, 0)),
      () => map.set(bytes(1, 0), bytes(1, 2, 3)),
      () => map.delete(bytes(1, 0)),
    ];
    for (const use of uses) expect(use).toThrow(expect.objectContaining({ code: 'EBADF' }));
  }

  it('fails instead of reading from the file that got its number', () => {
    const map = createHash();
    const { descriptor } = map;
    map[Symbol.dispose]();
    expectClosed(map);
    // Whichever of them has the number now: its values are larger than what is read into.
    const others = Array.from({ length: 8 }, () => createHash({ valueBytes: 4096 }));
    expect(others.map((other) => other.descriptor)).toContain(descriptor);
    expectClosed(map);
    for (const other of others) other[Symbol.dispose]();
  });

  it('leaves the file that got its number open when it is disposed of again', () => {
    const map = createHash();
    map[Symbol.dispose]();
    using stack = new DisposableStack();
    const others = Array.from({ length: 8 }, () => stack.use(createHash()));
    map[Symbol.dispose]();
    for (const other of others) expect(other.get(bytes(1, 0))).toBeUndefined();
  });
});
