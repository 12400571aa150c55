import { readFileSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import { bpfCalls } from '@flannel-ts/native';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { encodeStruct, loadSkeleton, type BpfMap, type LoadedSkeleton } from '../src/index.ts';
import { skeleton } from './programs/skeleton.ts';

const bytes = (...numbers: number[]) => Uint8Array.from(numbers);

/** linux/bpf.h */
const BPF_F_NO_PREALLOC = 1;

/** The array's key of a number in the machine's byte order. */
const nth = (index: number) => new Uint8Array(Uint32Array.of(index).buffer);

let loaded: LoadedSkeleton<typeof skeleton>;
beforeEach(() => {
  loaded = loadSkeleton(skeleton);
});
afterEach(() => loaded[Symbol.dispose]());

describe('a hash map', () => {
  it('has the entries that were set, replaced and deleted', () => {
    const map = loaded.maps.test_hash;
    expect(map.get(bytes(1, 0))).toBeUndefined();
    map.set(bytes(1, 0), bytes(1, 2, 3));
    map.set(bytes(0, 1), bytes(4, 5, 6));
    expect(map.get(bytes(1, 0))).toEqual([bytes(1, 2, 3)]);
    expect(map.get(bytes(0, 1))).toEqual([bytes(4, 5, 6)]);
    map.set(bytes(1, 0), bytes(7, 8, 9));
    expect(map.get(bytes(1, 0))).toEqual([bytes(7, 8, 9)]);
    map.delete(bytes(1, 0));
    expect(map.get(bytes(1, 0))).toBeUndefined();
    expect(map.get(bytes(0, 1))).toEqual([bytes(4, 5, 6)]);
  });

  it('takes a deletion of what is not there', () => {
    const map = loaded.maps.test_hash;
    expect(() => map.delete(bytes(1, 0))).not.toThrow();
  });

  it('refuses one entry more than it has room for, and has room again after a deletion', () => {
    const map = loaded.maps.test_hash;
    for (const key of [0, 1, 2, 3]) map.set(bytes(key, 0), bytes(key, 0, 0));
    const full = { code: 'E2BIG', syscall: 'bpf BPF_MAP_UPDATE_ELEM' };
    expect(() => map.set(bytes(4, 0), bytes(4, 0, 0))).toThrow(expect.objectContaining(full));
    expect(map.get(bytes(4, 0))).toBeUndefined();
    map.set(bytes(3, 0), bytes(9, 9, 9));
    map.delete(bytes(0, 0));
    map.set(bytes(4, 0), bytes(4, 0, 0));
    expect(map.get(bytes(4, 0))).toEqual([bytes(4, 0, 0)]);
    expect(map.get(bytes(3, 0))).toEqual([bytes(9, 9, 9)]);
  });

  it('takes memory for the entries that it has, not for those that it may have', () => {
    const info = readFileSync(`/proc/self/fdinfo/${loaded.maps.test_large.descriptor}`, 'utf8');
    // Before Linux 6.4 its `memlock` is what the map may take at most.
    const [, flags] = /^map_flags:\s*(\S+)$/m.exec(info)!;
    expect(Number(flags) & BPF_F_NO_PREALLOC).toBe(BPF_F_NO_PREALLOC);
  });

  it('reads the bytes of a view, and not what lies around them', () => {
    const map = loaded.maps.test_hash;
    const memory = bytes(0, 1, 2, 3, 4, 5, 6, 7);
    map.set(memory.subarray(1, 3), memory.subarray(4, 7));
    expect(map.get(bytes(1, 2))).toEqual([bytes(4, 5, 6)]);
  });

  it('returns a copy', () => {
    const map = loaded.maps.test_hash;
    map.set(bytes(1, 0), bytes(1, 2, 3));
    map.get(bytes(1, 0))![0]!.fill(0);
    expect(map.get(bytes(1, 0))).toEqual([bytes(1, 2, 3)]);
  });
});

describe('an array', () => {
  it('has zeros at first, and then what was set', () => {
    const map = loaded.maps.test_array;
    expect([map.get(nth(0)), map.get(nth(1))]).toEqual([[new Uint8Array(24)], [new Uint8Array(24)]]);
    map.set(nth(1), new Uint8Array(24).fill(7));
    expect(map.get(nth(0))).toEqual([new Uint8Array(24)]);
    expect(map.get(nth(1))).toEqual([new Uint8Array(24).fill(7)]);
  });

  it('has nothing behind its end', () => {
    const map = loaded.maps.test_array;
    expect(map.get(nth(2))).toBeUndefined();
    expect(() => map.set(nth(2), new Uint8Array(24))).toThrow(expect.objectContaining({ code: 'E2BIG' }));
  });

  it('cannot lose an entry', () => {
    const map = loaded.maps.test_array;
    const refused = { code: 'EINVAL', syscall: 'bpf BPF_MAP_DELETE_ELEM' };
    expect(() => map.delete(nth(0))).toThrow(expect.objectContaining(refused));
  });
});

describe('a key or a value of another size', () => {
  it.for([0, 1, 4, 8])('is refused before the kernel sees it: %d bytes', (length) => {
    const map = loaded.maps.test_hash;
    const wrong = new Uint8Array(length);
    const error = (what: string, expected: number) =>
      new RangeError(`a ${what} of this map must have ${expected} bytes, not ${length}`);
    expect(() => map.get(wrong)).toThrow(error('key', 2));
    expect(() => map.delete(wrong)).toThrow(error('key', 2));
    expect(() => map.set(wrong, bytes(0, 0, 0))).toThrow(error('key', 2));
    expect(() => map.set(bytes(0, 0), wrong)).toThrow(error('value', 3));
    expect(map.get(bytes(0, 0))).toBeUndefined();
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
    const map = loaded.maps.test_hash;
    const { descriptor } = map;
    map[Symbol.dispose]();
    expectClosed(map);
    using stack = new DisposableStack();
    const others = Array.from({ length: 3 }, () => stack.use(loadSkeleton(skeleton)).maps).flatMap(
      Object.values<BpfMap>,
    );
    // Whichever of them has the number now.
    expect(others.map((other) => other.descriptor)).toContain(descriptor);
    expectClosed(map);
  });

  it('leaves the file that got its number open when it is disposed of again', () => {
    const map = loaded.maps.test_hash;
    map[Symbol.dispose]();
    using stack = new DisposableStack();
    const others = Array.from({ length: 3 }, () => stack.use(loadSkeleton(skeleton)));
    map[Symbol.dispose]();
    for (const { maps } of others) expect(maps.test_hash.get(bytes(1, 0))).toBeUndefined();
  });
});

describe('readAll', () => {
  it('returns every entry of a map that takes more than one batch, once', () => {
    const map = loaded.maps.test_large;
    expect(map.readAll()).toEqual([]);
    const { large } = skeleton.structs;
    for (let number = 0; number < 10_000; number++)
      map.set(nth(number), encodeStruct(large, { number: number + 1 }));
    const batches = vi.spyOn(bpfCalls(), 'bpfReadBatch');
    const entries = map.readAll().map(({ key, values }) => {
      expect(values).toHaveLength(1);
      return [key, values[0]!].map((word) => new DataView(word.slice().buffer).getUint32(0, true));
    });
    expect(batches.mock.calls.length).toBe(3);
    batches.mockRestore();
    const sorted = entries.sort(([a], [b]) => a! - b!);
    expect(sorted).toEqual(Array.from({ length: 10_000 }, (_, number) => [number, number + 1]));
  });

  it('returns the entries of an array', () => {
    const map = loaded.maps.test_array;
    map.set(nth(1), new Uint8Array(24).fill(7));
    expect(map.readAll()).toEqual([
      { key: nth(0), values: [new Uint8Array(24)] },
      { key: nth(1), values: [new Uint8Array(24).fill(7)] },
    ]);
  });
});

describe('a map for each CPU', () => {
  const sumOf = (values: readonly Uint8Array[]) => values.reduce((sum, [first]) => sum + first!, 0);

  it('has a value of each, of the size that C gives it', () => {
    const map = loaded.maps.test_percpu;
    map.set(bytes(1, 0), bytes(1, 2, 3));
    const values = map.get(bytes(1, 0))!;
    expect(values.length).toBeGreaterThanOrEqual(availableParallelism());
    for (const value of values) expect(value).toEqual(bytes(1, 2, 3));
    expect(map.readAll()).toEqual([{ key: bytes(1, 0), values }]);
  });

  it('is counted in by programs without a loss', () => {
    const map = loaded.maps.test_percpu;
    map.set(bytes(1, 0), bytes(0, 0, 0));
    for (let run = 0; run < 100; run++) loaded.programs.count_on_cpu.testRun(new Uint8Array(64));
    expect(sumOf(map.get(bytes(1, 0))!)).toBe(100);
    expect(sumOf(map.readAll()[0]!.values)).toBe(100);
  });
});
