import { readFileSync } from 'node:fs';
import { bpfCalls } from '@flannel-ts/native';
import { ownDescriptor } from './descriptor.ts';

/** linux/bpf.h: BPF_MAP_TYPE_PERCPU_HASH, _ARRAY, _LRU */
const PER_CPU: readonly number[] = [5, 6, 10];

/**
 * How much one call reads, and how many entries at least: the kernel reads whole buckets of a
 * hash map, which have a few entries each.
 */
const BATCH_BYTES = 1 << 20;
const BATCH_ENTRIES = 256;

/**
 * A table that programs and this process share. Keys and values are bytes. A map for each CPU has
 * a value of each: `get` and `readAll` return them one behind the other, `set` sets all of them.
 * Once it is disposed of, what it does here fails with `EBADF`.
 */
export interface BpfMap extends Disposable {
  readonly descriptor: number;
  readonly maxEntries: number;
  /**
   * Adds an entry, or replaces it: in a hash map at once.
   * @throws {SystemError} `E2BIG` when the map is full
   */
  set(key: Uint8Array, value: Uint8Array): void;
  /** Returns the values of an entry: one, or one for each CPU. */
  get(key: Uint8Array): readonly Uint8Array[] | undefined;
  /** Deletes an entry of a hash map, if it is there. */
  delete(key: Uint8Array): void;
  /** Returns all entries, by one system call for each megabyte. */
  readAll(): readonly BatchEntry[];
}

export interface BatchEntry {
  readonly key: Uint8Array;
  readonly values: readonly Uint8Array[];
}

/** Owns a map. @throws {SystemError} */
export function openMap(descriptor: number): BpfMap {
  const calls = bpfCalls();
  const map = ownDescriptor(descriptor);
  const { type, keyBytes, valueBytes, maxEntries } = calls.bpfDescribeMap(descriptor);
  const perCpu = PER_CPU.includes(type);
  const copies = perCpu ? countPossibleCpus() : 1;
  /** The kernel aligns the values of CPUs. */
  const stride = perCpu ? Math.ceil(valueBytes / 8) * 8 : valueBytes;
  const entryBytes = copies * stride;

  const split = (entry: Uint8Array): Uint8Array[] =>
    Array.from({ length: copies }, (_, cpu) => entry.subarray(cpu * stride, cpu * stride + valueBytes));

  return {
    get descriptor() {
      return map.number;
    },
    maxEntries,
    set(key, value) {
      check('key', key, keyBytes);
      check('value', value, valueBytes);
      const entry = new Uint8Array(entryBytes);
      for (const copy of split(entry)) copy.set(value);
      calls.bpfUpdateElement(map.number, key, entry);
    },
    get(key) {
      check('key', key, keyBytes);
      const entry = new Uint8Array(entryBytes);
      return calls.bpfReadElement(map.number, key, entry) ? split(entry) : undefined;
    },
    delete(key) {
      check('key', key, keyBytes);
      calls.bpfDeleteElement(map.number, key);
    },
    readAll() {
      const fitting = Math.floor(BATCH_BYTES / (keyBytes + entryBytes));
      const most = Math.min(maxEntries, Math.max(BATCH_ENTRIES, fitting));
      const position = new Uint8Array(4);
      const found: BatchEntry[] = [];
      for (let more = true, first = true; more; first = false) {
        const keys = new Uint8Array(most * keyBytes);
        const values = new Uint8Array(most * entryBytes);
        const read = calls.bpfReadBatch(map.number, position, keys, values, most, first);
        for (let index = 0; index < read.entries; index++) {
          const key = keys.subarray(index * keyBytes, (index + 1) * keyBytes);
          found.push({ key, values: split(values.subarray(index * entryBytes, (index + 1) * entryBytes)) });
        }
        more = read.more;
      }
      return found;
    },
    [Symbol.dispose]: () => map[Symbol.dispose](),
  };
}

/** The kernel reads and writes as many bytes as the map has, whatever it is given. */
function check(what: string, { length }: Uint8Array, expected: number): void {
  if (length !== expected)
    throw new RangeError(`a ${what} of this map must have ${expected} bytes, not ${length}`);
}

/** The kernel keeps values for CPUs that may be added, too: `0-3` are four. */
function countPossibleCpus(): number {
  const ranges = readFileSync('/sys/devices/system/cpu/possible', 'utf8').trim().split(',');
  return ranges.reduce((count, range) => {
    const [first, last = first] = range.split('-').map(Number) as [number, number?];
    return count + last - first + 1;
  }, 0);
}
