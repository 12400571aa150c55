import { readU16, readU24, readU32 } from './bytes.ts';
import type { Malformed } from './malformed.ts';

const NOTHING = new Uint8Array(0);

/**
 * A header in a buffer. A view is made once and used for any number of packets: {@link View.read} checks a
 * header and keeps where it is, and the getters read the buffer in place. So nothing is copied or
 * allocated for a packet, and what a getter returns changes with the buffer.
 */
export abstract class View {
  #bytes: Uint8Array = NOTHING;
  #start = 0;
  #payloadStart = 0;
  #payloadEnd = 0;

  /**
   * Looks at the header that begins at `start`; nothing from `end` on belongs to it or to its payload.
   *
   * @param start - index in `bytes`
   * @default 0
   * @param end - index in `bytes`
   * @default bytes.length
   * @returns `undefined` when the view now shows this header, or what is wrong; the view is then of no use
   *   until the next read.
   */
  abstract read(bytes: Uint8Array, start?: number, end?: number): Malformed | undefined;

  /** The buffer that was read, not a copy. */
  get bytes(): Uint8Array {
    return this.#bytes;
  }

  /** Where the header begins in the buffer. */
  get start(): number {
    return this.#start;
  }

  /** Where the payload begins in the buffer. */
  get payloadStart(): number {
    return this.#payloadStart;
  }

  /** Where the payload ends in the buffer: the index after its last byte. */
  get payloadEnd(): number {
    return this.#payloadEnd;
  }

  protected place(bytes: Uint8Array, start: number, payloadStart: number, payloadEnd: number): void {
    this.#bytes = bytes;
    this.#start = start;
    this.#payloadStart = payloadStart;
    this.#payloadEnd = payloadEnd;
  }

  protected u8(offset: number): number {
    return this.#bytes[this.#start + offset]!;
  }

  protected u16(offset: number): number {
    return readU16(this.#bytes, this.#start + offset);
  }

  protected u24(offset: number): number {
    return readU24(this.#bytes, this.#start + offset);
  }

  protected u32(offset: number): number {
    return readU32(this.#bytes, this.#start + offset);
  }
}
