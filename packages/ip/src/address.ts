import { addressAdvice } from './advice.ts';
import { AddressError } from './errors.ts';
import { familyBits, type Family } from './family.ts';
import { formatAddress, parseIPv4, parseIPv6 } from './text.ts';

/** One IPv4 or IPv6 address; immutable, compared by {@link Address.equals}. */
export class Address {
  readonly family: Family;
  /** The address as an unsigned integer of 32 or 128 bits, network byte order. */
  readonly value: bigint;
  #text: string | undefined;

  /** @throws {RangeError} when `value` does not fit the family. */
  constructor(family: Family, value: bigint) {
    if (value < 0n || value >> BigInt(familyBits(family)) !== 0n) {
      throw new RangeError(`${value.toString()} is outside the IPv${family} address space`);
    }
    this.family = family;
    this.value = value;
    Object.freeze(this);
  }

  equals(other: Address | undefined): boolean {
    return other !== undefined && this.family === other.family && this.value === other.value;
  }

  /** -1, 0 or 1; IPv4 sorts before IPv6. */
  compare(other: Address): number {
    if (this.family !== other.family) return this.family - other.family;
    return this.value < other.value ? -1 : this.value > other.value ? 1 : 0;
  }

  /** The address `count` steps further on. @throws {RangeError} past either end of the address space. */
  offset(count: bigint | number): Address {
    return new Address(this.family, this.value + BigInt(count));
  }

  /** 4 or 16 bytes in network byte order. */
  toBytes(): Uint8Array {
    const bytes = new Uint8Array(familyBits(this.family) / 8);
    let rest = this.value;
    for (let index = bytes.length - 1; index >= 0; index--) {
      bytes[index] = Number(rest & 0xffn);
      rest >>= 8n;
    }
    return bytes;
  }

  /** `10.5.1.0`, or RFC 5952 text such as `fc00::1` or `::ffff:10.5.1.0`, the same as Go's netip prints. */
  toString(): string {
    return (this.#text ??= formatAddress(this.family, this.value));
  }

  toJSON(): string {
    return this.toString();
  }
}

/** Like {@link parseAddress}, but `undefined` for a text that is no address. */
export function tryParseAddress(text: string): Address | undefined {
  const ipv4 = parseIPv4(text);
  if (ipv4 !== undefined) return new Address(4, ipv4);
  const ipv6 = parseIPv6(text);
  return ipv6 === undefined ? undefined : new Address(6, ipv6);
}

/**
 * Parses an address strictly: no leading zeros, no short forms, no prefix length, no zone.
 * @throws {AddressError}
 */
export function parseAddress(text: string): Address {
  const address = tryParseAddress(text);
  if (address) return address;
  const slash = text.indexOf('/');
  const advice = slash < 0 ? addressAdvice(text) : 'leave out the prefix length';
  throw new AddressError(text, `is not an IP address: ${advice}`);
}

/** The address in 4 or 16 bytes of network byte order. @throws {RangeError} for another number of bytes. */
export function addressFromBytes(bytes: Uint8Array): Address {
  if (bytes.length !== 4 && bytes.length !== 16) {
    throw new RangeError(`an IP address has 4 or 16 bytes, not ${bytes.length}`);
  }
  let value = 0n;
  for (const byte of bytes) value = (value << 8n) | BigInt(byte);
  return new Address(bytes.length === 4 ? 4 : 6, value);
}
