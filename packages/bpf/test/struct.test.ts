import { describe, expect, it } from 'vitest';
import { decodeStruct, encodeStruct, sumCounters } from '../src/index.ts';
import { skeleton } from './programs/skeleton.ts';

const { numbers, three } = skeleton.structs;

describe('a structure of C', () => {
  it('has its members where the compiler has them, in their byte order', () => {
    const encoded = encodeStruct(numbers, {
      ...{ port: 0x0102, byte: 0x03, word: 0x04050607, address: 0x08090a0b, count: 0x0c0d0e },
    });
    expect(Buffer.from(encoded).toString('hex')).toBe('010203000706050408090a0b000000000e0d0c0000000000');
  });

  it('has zeros for what is left out', () => {
    expect(encodeStruct(numbers, {})).toEqual(new Uint8Array(24));
  });

  it('reads what it wrote', () => {
    const values = { port: 8285, byte: 255, word: 0xffffffff, address: 0xc0000201, count: 2 ** 53 - 1 };
    expect(decodeStruct(numbers, encodeStruct(numbers, values))).toEqual(values);
  });

  it('takes bytes for members that are no numbers, as many as these have', () => {
    expect(encodeStruct(three, { bytes: Uint8Array.of(1, 2, 3) })).toEqual(Uint8Array.of(1, 2, 3));
    expect(() => encodeStruct(three, { bytes: Uint8Array.of(1, 2) })).toThrow(
      new RangeError('bytes must have 3 bytes, not 2'),
    );
  });

  it('adds the counters of CPUs, beyond 32 bits', () => {
    const { counted } = skeleton.structs;
    const cpus = [
      encodeStruct(counted, { packets: 2 ** 32 - 1, bytes: 2 ** 40 }),
      encodeStruct(counted, { packets: 1, bytes: 3, ifindex: 7 }),
    ];
    expect(sumCounters(counted, cpus)).toEqual({
      packets: 2 ** 32,
      bytes: 2 ** 40 + 3,
      gsoSize: 0,
      ifindex: 7,
    });
    expect(sumCounters(counted, [])).toEqual({ packets: 0, bytes: 0, gsoSize: 0, ifindex: 0 });
  });
});
