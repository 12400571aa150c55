import { Address, tryParseAddress } from './address.ts';
import { addressAdvice } from './advice.ts';
import { AddressError } from './errors.ts';
import { familyBits, type Family } from './family.ts';

/** A network prefix: an address whose host bits are zero, and a prefix length; immutable. */
export class Prefix {
  /** The first address; its host bits are zero. */
  readonly network: Address;
  /** Prefix length in bits, 0 to 32 or 0 to 128. */
  readonly length: number;
  readonly #hostBits: bigint;
  #key: string | undefined;
  #bits: string | undefined;

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
    this.#hostBits = BigInt(familyBits(network.family) - length);
    Object.freeze(this);
  }

  get family(): Family {
    return this.network.family;
  }

  /** The bits that all addresses have in common, as digits: the path to this prefix in a tree of prefixes. */
  get bits(): string {
    return (this.#bits ??= this.network.value
      .toString(2)
      .padStart(familyBits(this.family), '0')
      .slice(0, this.length));
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
    return other.family === this.family && (other.value ^ this.network.value) >> this.#hostBits === 0n;
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

  /**
   * Every prefix of the given length inside this one, lowest first.
   * @throws {RangeError} at the first step, when the length is shorter than this one's or does not fit the family.
   */
  *subnets(length: number): IterableIterator<Prefix> {
    if (length < this.length) throw new RangeError(`/${length} subnets do not fit ${this.toString()}`);
    const first = new Prefix(this.network, length);
    const count = this.size / first.size;
    for (let index = 0n; index < count; index++) yield first.offset(index);
  }

  /** `10.5.1.0/24` */
  toString(): string {
    return `${this.network.toString()}/${this.length}`;
  }

  /** `10.5.1.0-24`, as keys of leases have it, where a slash would begin another level. */
  toKey(): string {
    return (this.#key ??= `${this.network.toString()}-${this.length}`);
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

/**
 * The prefix of the given length around an address: its host bits are cleared.
 * @throws {RangeError} when the length does not fit the family.
 */
export function prefixOf(address: Address, length: number): Prefix {
  const mask = hostMask(address.family, Math.min(Math.max(length, 0), familyBits(address.family)));
  return new Prefix(new Address(address.family, address.value & ~mask), length);
}

/**
 * Parses `address/length`; host bits are kept in `address` and cleared in `prefix`.
 * @throws {AddressError}
 */
export function parseInterfaceAddress(text: string): InterfaceAddress {
  const slash = text.indexOf('/');
  const [head, suffix] = slash < 0 ? [text, ''] : [text.slice(0, slash), text.slice(slash)];
  const address = tryParseAddress(head);
  const length = LENGTH_SUFFIX.test(suffix) ? Number(suffix.slice(1)) : NaN;
  if (address && length <= familyBits(address.family)) return { address, prefix: prefixOf(address, length) };
  throw new AddressError(text, `is not an IP prefix: ${prefixAdvice(head, suffix, address)}`);
}

const LENGTH_SUFFIX = /^\/(0|[1-9]\d{0,2})$/;

function prefixAdvice(head: string, suffix: string, address: Address | undefined): string {
  if (!address) return addressAdvice(head, suffix.slice(0, 4) || '/16');
  if (suffix === '') return `add the prefix length, such as ${head}/${address.family === 4 ? 24 : 64}`;
  return `an IPv${address.family} prefix length is a number from 0 to ${familyBits(address.family)}`;
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
