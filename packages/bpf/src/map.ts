import { bpfCalls } from '@flannel-ts/native';
import { ownDescriptor } from './descriptor.ts';

/** linux/bpf.h: BPF_MAP_TYPE_. */
const TYPE = { hash: 1, array: 2 } as const;
const BPF_F_NO_PREALLOC = 1;

/**
 * A table that programs and this process share. It ends when neither has it any more. Once it is disposed of, what it does
 * here fails with `EBADF`.
 */
export interface BpfMap extends Disposable {
  readonly descriptor: number;
  /** Adds an entry, or replaces it: in a hash map at once. @throws {SystemError} `E2BIG` when the map is full */
  set(key: Uint8Array, value: Uint8Array): void;
  get(key: Uint8Array): Uint8Array | undefined;
  /** Deletes an entry of a hash map, if it is there. */
  delete(key: Uint8Array): void;
}

export interface BpfMapOptions {
  /**
   * `hash` has entries for some keys, which take memory while they are there. `array` has one for each number below
   * `maxEntries`, zeros at first; its keys are 32-bit numbers in the machine's byte order.
   */
  readonly type: keyof typeof TYPE;
  readonly keyBytes: number;
  readonly valueBytes: number;
  readonly maxEntries: number;
}

/**
 * Creates a map.
 * @throws {SystemError} `EPERM`, `EINVAL` or `E2BIG` for sizes that the kernel refuses; `AddonError`
 */
export function createMap({ type, keyBytes, valueBytes, maxEntries }: BpfMapOptions): BpfMap {
  const calls = bpfCalls();
  const flags = type === 'hash' ? BPF_F_NO_PREALLOC : 0;
  const map = ownDescriptor(calls.bpfCreateMap(TYPE[type], keyBytes, valueBytes, maxEntries, flags));
  return {
    get descriptor() {
      return map.number;
    },
    set(key, value) {
      check('key', key, keyBytes);
      check('value', value, valueBytes);
      calls.bpfUpdateElement(map.number, key, value);
    },
    get(key) {
      check('key', key, keyBytes);
      const value = new Uint8Array(valueBytes);
      return calls.bpfReadElement(map.number, key, value) ? value : undefined;
    },
    delete(key) {
      check('key', key, keyBytes);
      calls.bpfDeleteElement(map.number, key);
    },
    [Symbol.dispose]: () => map[Symbol.dispose](),
  };
}

/** The kernel reads and writes as many bytes as the map has, whatever it is given. */
function check(what: string, { length }: Uint8Array, wanted: number): void {
  if (length !== wanted) throw new RangeError(`a ${what} of this map has ${wanted} bytes, not ${length}`);
}
