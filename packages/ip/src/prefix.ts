import { Address, tryParseAddress } from './address.ts';
import { AddressError } from './errors.ts';
import { familyBits, type Family } from './family.ts';

/** A network prefix: an address whose host bits are zero, and a prefix length; immutable. */
export class Prefix {
  /** The first address; its host bits are zero. */
  readonly network: Address;
  /** Prefix length in bits, 0 to 32 or 0 to 128. */
  readonly length: number;

  /** @throws {RangeError} when the length does not fit the family or `network` has host bits. */
  constructor(network: Address, length: number) {
    if (!Number.isInteger(length) || length < 0 || length > familyBits(network.family)) {
      throw new RangeError(`/${length} is no IPv${network.family} prefix length`);
    }
    if ((network.value & hostMask(network.family, length)) !== 0n) {
      throw new RangeError(`${network.toString()}/${length} has host bits`);
    }
    this.network = network;
    this.length = length;
    Object.freeze(this);
  }

  get family(): Family {
    return this.network.family;
  }

  /** Number of addresses. */
  get size(): bigint {
    return hostMask(this.family, this.length) + 1n;
  }

  /** The highest address. */
  get last(): Address {
    return this.network.offset(this.size - 1n);
  }

  equals(other: Prefix | undefined): boolean {
    return other !== undefined && this.length === other.length && this.network.equals(other.network);
  }

  /** Whether an address, or the whole of another prefix, lies inside. */
  contains(other: Address | Prefix): boolean {
    if (other instanceof Prefix) return other.length >= this.length && this.contains(other.network);
    return (
      other.family === this.family &&
      (other.value & ~hostMask(this.family, this.length)) === this.network.value
    );
  }

  overlaps(other: Prefix): boolean {
    return this.contains(other.network) || other.contains(this.network);
  }

  /**
   * The prefix of the same length `count` steps further on.
   * @throws {RangeError} past either end of the address space.
   */
  offset(count: bigint | number): Prefix {
    return new Prefix(this.network.offset(BigInt(count) * this.size), this.length);
  }

  /** Every prefix of the given length inside this one, lowest first. */
  *subnets(length: number): IterableIterator<Prefix> {
    if (length < this.length) throw new RangeError(`/${length} subnets do not fit ${this.toString()}`);
    const step = hostMask(this.family, length) + 1n;
    for (let value = this.network.value; value <= this.last.value; value += step) {
      yield new Prefix(new Address(this.family, value), length);
    }
  }

  /** `10.5.1.0/24` */
  toString(): string {
    return `${this.network.toString()}/${this.length}`;
  }

  toJSON(): string {
    return this.toString();
  }
}

/** An address on a network, as `ip address add` takes it: `10.5.69.1/24`. */
export interface InterfaceAddress {
  readonly address: Address;
  readonly prefix: Prefix;
}

/** The prefix of the given length around an address: its host bits are cleared. */
export function prefixOf(address: Address, length: number): Prefix {
  const mask = hostMask(address.family, Math.min(Math.max(length, 0), familyBits(address.family)));
  return new Prefix(new Address(address.family, address.value & ~mask), length);
}

/**
 * Parses `address/length`; host bits are kept in `address` and cleared in `prefix`.
 * @throws {AddressError}
 */
export function parseInterfaceAddress(text: string): InterfaceAddress {
  const parts = /^([^/]+)\/(0|[1-9]\d{0,2})$/.exec(text);
  const address = parts ? tryParseAddress(parts[1]!) : undefined;
  const length = Number(parts?.[2]);
  if (!address || length > familyBits(address.family)) {
    throw new AddressError(text, 'is not an IP prefix (want for example 10.5.0.0/16 or fc00::/48)');
  }
  return { address, prefix: prefixOf(address, length) };
}

/**
 * Parses a network prefix strictly.
 * @throws {AddressError} for malformed text, and for host bits, with the prefix that was probably meant.
 */
export function parsePrefix(text: string): Prefix {
  const { address, prefix } = parseInterfaceAddress(text);
  if (!prefix.network.equals(address))
    throw new AddressError(text, `has host bits (did you mean ${prefix.toString()}?)`);
  return prefix;
}

function hostMask(family: Family, length: number): bigint {
  return (1n << BigInt(familyBits(family) - length)) - 1n;
}
