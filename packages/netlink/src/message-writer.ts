import { familyBits, type Address } from '@flannel-ts/ip';

const HEADER_BYTES = 16;

/**
 * Writes netlink messages one after another into one buffer, to be sent as one datagram:
 *
 *      0               2       4             (struct nlmsghdr, linux/netlink.h)
 *     +-------------------------------+
 *     | length                        |
 *     | type          | flags         |
 *     | sequence                      |
 *     | port = 0                      |
 *     +-------------------------------+
 *     | family header, attributes …   |  each padded to 4 bytes
 */
export class MessageWriter {
  readonly #buffer: Buffer;
  #offset = 0;
  #start = 0;

  constructor(bytes: number) {
    this.#buffer = Buffer.alloc(bytes);
  }

  /** Bytes written so far. */
  get length(): number {
    return this.#offset;
  }

  begin(type: number, flags: number, sequence: number): void {
    this.#start = this.#offset;
    this.#offset += 4;
    this.u16(type);
    this.u16(flags);
    this.u32(sequence);
    this.u32(0);
  }

  end(): void {
    this.#buffer.writeUInt32LE(this.#offset - this.#start, this.#start);
  }

  /** Sets flags of the message begun last, after the fact. */
  addFlags(flags: number): void {
    const at = this.#start + 6;
    this.#buffer.writeUInt16LE(this.#buffer.readUInt16LE(at) | flags, at);
  }

  u8(value: number): void {
    this.#offset = this.#buffer.writeUInt8(value, this.#offset);
  }

  u16(value: number): void {
    this.#offset = this.#buffer.writeUInt16LE(value, this.#offset);
  }

  u32(value: number): void {
    this.#offset = this.#buffer.writeUInt32LE(value >>> 0, this.#offset);
  }

  /** An attribute (struct rtattr) whose payload `body` writes; nested attributes are attributes of attributes. */
  attribute(type: number, body: () => void): void {
    const start = this.#offset;
    this.#offset += 4;
    body();
    this.#buffer.writeUInt16LE(this.#offset - start, start);
    this.#buffer.writeUInt16LE(type, start + 2);
    while (this.#offset % 4 !== 0) this.u8(0);
  }

  attributeU8(type: number, value: number): void {
    this.attribute(type, () => this.u8(value));
  }

  attributeU32(type: number, value: number): void {
    this.attribute(type, () => this.u32(value));
  }

  /** A 16-bit number in network byte order, as ports are. */
  attributeU16BE(type: number, value: number): void {
    this.attribute(type, () => (this.#offset = this.#buffer.writeUInt16BE(value, this.#offset)));
  }

  /** A string that ends with a zero byte. */
  attributeText(type: number, text: string): void {
    this.attribute(type, () => {
      this.#offset += this.#buffer.write(text, this.#offset);
      this.u8(0);
    });
  }

  attributeAddress(type: number, address: Address): void {
    this.attribute(type, () => this.#address(address));
  }

  attributeMac(type: number, mac: string): void {
    this.attribute(type, () => {
      for (const byte of mac.split(':')) this.u8(Number.parseInt(byte, 16));
    });
  }

  /** The datagram so far; valid until the next {@link MessageWriter.reset}. */
  datagram(): Uint8Array {
    return this.#buffer.subarray(0, this.#offset);
  }

  reset(): void {
    this.#offset = 0;
  }

  #address({ family, value }: Address): void {
    for (let shift = familyBits(family) - 32; shift >= 0; shift -= 32) {
      const word = Number((value >> BigInt(shift)) & 0xffffffffn);
      this.#offset = this.#buffer.writeUInt32BE(word, this.#offset);
    }
  }
}

/** Length of a message's header in bytes. */
export { HEADER_BYTES };
