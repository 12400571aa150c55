import { addressFromBytes, type Address } from '@flannel-ts/ip';
import { NLA_TYPE_MASK } from './constants.ts';
import { HEADER_BYTES } from './message-writer.ts';

/** One message of a datagram, undecoded. */
export interface RawMessage {
  readonly type: number;
  readonly flags: number;
  readonly sequence: number;
  /** What follows the header. */
  readonly body: Buffer;
}

/** Splits a datagram into its messages. What is malformed ends it: the kernel never sends such. */
export function readMessages(datagram: Uint8Array): RawMessage[] {
  const buffer = Buffer.from(datagram.buffer, datagram.byteOffset, datagram.byteLength);
  const messages: RawMessage[] = [];
  for (let offset = 0; offset + HEADER_BYTES <= buffer.length;) {
    const length = buffer.readUInt32LE(offset);
    if (length < HEADER_BYTES || offset + length > buffer.length) break;
    messages.push({
      type: buffer.readUInt16LE(offset + 4),
      flags: buffer.readUInt16LE(offset + 6),
      sequence: buffer.readUInt32LE(offset + 8),
      body: buffer.subarray(offset + HEADER_BYTES, offset + length),
    });
    offset += align(length);
  }
  return messages;
}

/** The attributes of a message by type; of several of one type, the last. */
export class Attributes {
  readonly #values = new Map<number, Buffer>();

  /** Reads attributes (struct rtattr) from `offset` of `buffer` to its end. */
  constructor(buffer: Buffer, offset = 0) {
    while (offset + 4 <= buffer.length) {
      const length = buffer.readUInt16LE(offset);
      if (length < 4 || offset + length > buffer.length) break;
      this.#values.set(
        buffer.readUInt16LE(offset + 2) & NLA_TYPE_MASK,
        buffer.subarray(offset + 4, offset + length),
      );
      offset += align(length);
    }
  }

  has(type: number): boolean {
    return this.#values.has(type);
  }

  bytes(type: number): Buffer | undefined {
    return this.#values.get(type);
  }

  u8(type: number): number | undefined {
    return this.#sized(type, 1)?.readUInt8(0);
  }

  u32(type: number): number | undefined {
    return this.#sized(type, 4)?.readUInt32LE(0);
  }

  u16BE(type: number): number | undefined {
    return this.#sized(type, 2)?.readUInt16BE(0);
  }

  text(type: number): string | undefined {
    return this.#values.get(type)?.toString().replace(/\0.*$/s, '');
  }

  address(type: number): Address | undefined {
    const bytes = this.#values.get(type);
    return bytes && (bytes.length === 4 || bytes.length === 16) ? addressFromBytes(bytes) : undefined;
  }

  /** `aa:bb:cc:dd:ee:ff`; `undefined` for other lengths than 6 bytes. */
  mac(type: number): string | undefined {
    const bytes = this.#values.get(type);
    return bytes?.length === 6 ? bytes.toString('hex').replace(/(..)(?!$)/g, '$1:') : undefined;
  }

  nested(type: number): Attributes | undefined {
    const bytes = this.#values.get(type);
    return bytes && new Attributes(bytes);
  }

  #sized(type: number, length: number): Buffer | undefined {
    const bytes = this.#values.get(type);
    return bytes && bytes.length >= length ? bytes : undefined;
  }
}

function align(length: number): number {
  return (length + 3) & ~3;
}
