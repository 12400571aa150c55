import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { foldChecksum, internetChecksum, sumWords, updateChecksum } from '../src/index.ts';

/** RFC 1071 by the letter: one's complement addition, an end-around carry after each word. */
function reference(bytes: Uint8Array): number {
  let sum = 0;
  for (let at = 0; at < bytes.length; at += 2) {
    sum += (bytes[at] ?? 0) * 256 + (bytes[at + 1] ?? 0);
    if (sum > 0xffff) sum -= 0xffff;
  }
  return 0xffff - sum;
}

describe('the Internet checksum', () => {
  it('of the example in RFC 1071, 3', () => {
    expect(internetChecksum(Buffer.from('0001f203f4f5f6f7', 'hex'))).toBe(0x220d);
  });

  it('is that of the definition, for any bytes', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 300 }), (bytes) => {
        expect(internetChecksum(bytes)).toBe(reference(bytes));
      }),
    );
  });

  it('does not overflow on the largest packet and beyond', () => {
    expect(internetChecksum(new Uint8Array(65_535).fill(0xff))).toBe(0x00ff);
    const million = new Uint8Array(1 << 20).fill(0xff);
    expect(foldChecksum(sumWords(million, 0, million.length, 2 ** 40))).toBe(
      internetChecksum(Buffer.of(1, 0)),
    );
  });

  it('is zero over what contains it', () => {
    fc.assert(
      fc.property(fc.uint8Array({ minLength: 4, maxLength: 60 }), (bytes) => {
        const even = bytes.subarray(0, bytes.length & ~1);
        even.set([0, 0], 2);
        const checksum = internetChecksum(even);
        even.set([checksum >> 8, checksum & 0xff], 2);
        expect(internetChecksum(even)).toBe(0);
      }),
    );
  });

  it('of parts is that of the whole', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 100 }), fc.nat(50), (bytes, word) => {
        const middle = Math.min(word * 2, bytes.length & ~1);
        const sum = sumWords(bytes, 0, middle);
        expect(internetChecksum(bytes, middle, bytes.length, sum)).toBe(internetChecksum(bytes));
      }),
    );
  });
});

describe('an incremental update', () => {
  it('of the example in RFC 1624, 4', () => {
    expect(updateChecksum(0xdd2f, 0x5555, 0x3285)).toBe(0x0000);
  });

  it('is what the whole would give', () => {
    const words = fc
      .uint8Array({ minLength: 2, maxLength: 60 })
      .map((bytes) => bytes.slice(0, bytes.length & ~1));
    fc.assert(
      fc.property(words, fc.nat(), fc.nat(0xffff), (bytes, index, after) => {
        const at = (index * 2) % bytes.length;
        const checksum = internetChecksum(bytes);
        const before = (bytes[at]! << 8) | bytes[at + 1]!;
        bytes.set([after >> 8, after & 0xff], at);
        // Only all zeros have a checksum of 0xffff, and no header is that.
        fc.pre(bytes.some((byte) => byte > 0));
        expect(updateChecksum(checksum, before, after)).toBe(internetChecksum(bytes));
      }),
    );
  });
});
