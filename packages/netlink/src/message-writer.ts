import { familyBits, type Address } from '@flannel-ts/ip';

/** Length of a message's header in bytes (struct nlmsghdr). */
export const HEADER_BYTES = 16;

const MAC = /^[0-9a-f]{2}(:[0-9a-f]{2}){5}$/i;

/**
 * Writes netlink messages one after another into one buffer, to be sent as one datagram
 * (struct nlmsghdr, linux/netlink.h; struct rtattr, linux/rtnetlink.h; numbers in host byte order):
 *
 *      0       1       2       3
 *     +-------+-------+-------+-------+
 *     | length                        |
 *     | type          | flags         |
 *     | sequence                      |
 *     | port = 0                      |
 *     +-------+-------+-------+-------+
 *     | header of the type, such as struct rtmsg
 *     +-------+-------+-------+-------+
 *     | length        | type          |  attribute; its length does not count the padding
 *     | value, zeros up to 4 bytes    |
 *     +-------+-------+-------+-------+
 */
export class MessageWriter {
  readonly #buffer: Buffer;
  #offset = 0;
  #start = 0;

  constructor(bytes: number) {
    this.#buffer = Buffer.alloc(bytes);
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
    this.#offset = this.#buffer.writeUInt32LE(value, this.#offset);
  }

  zeros(count: number): void {
    this.#buffer.fill(0, this.#offset, this.#offset + count);
    this.#offset += count;
  }

  /** An attribute whose value `body` writes; the value of a nested one is attributes. */
  attribute(type: number, body: () => void): void {
    const start = this.#offset;
    this.#offset += 4;
    body();
    this.#buffer.writeUInt16LE(this.#offset - start, start);
    this.#buffer.writeUInt16LE(type, start + 2);
    this.zeros(-this.#offset & 3);
  }

  attributeFlag(type: number): void {
    this.attribute(type, () => undefined);
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

  attributeAddress(type: number, { family, value }: Address): void {
    this.attribute(type, () => {
      for (let shift = familyBits(family) - 32; shift >= 0; shift -= 32) {
        const word = Number((value >> BigInt(shift)) & 0xffffffffn);
        this.#offset = this.#buffer.writeUInt32BE(word, this.#offset);
      }
    });
  }

  /** @throws {RangeError} when `mac` is not like `aa:bb:cc:dd:ee:ff`: zeros in its place would mean another entry. */
  attributeMac(type: number, mac: string): void {
    if (!MAC.test(mac)) throw new RangeError(`${JSON.stringify(mac)} is not a MAC address`);
    this.attribute(type, () => {
      for (let at = 0; at < mac.length; at += 3) this.u8(Number.parseInt(mac.slice(at, at + 2), 16));
    });
  }

  /** The datagram so far; valid until the next {@link MessageWriter.reset}. */
  datagram(): Uint8Array {
    return this.#buffer.subarray(0, this.#offset);
  }

  reset(): void {
    this.#offset = 0;
  }
}
