/** Where the members of a structure of C are. */
export interface StructLayout {
  readonly bytes: number;
  readonly members: Readonly<Record<string, MemberLayout>>;
}

export interface MemberLayout {
  readonly at: number;
  /** Numbers have 1, 2, 4 or 8. */
  readonly bytes: number;
  /** In network byte order; otherwise in the machine's, which is little-endian. */
  readonly bigEndian?: true;
}

/**
 * Writes a structure, members that are left out as zeros.
 * @throws {RangeError} for bytes of another length than the member's
 */
export function encodeStruct<L extends StructLayout>(
  { bytes, members }: L,
  values: { readonly [M in keyof L['members']]?: number | Uint8Array },
): Uint8Array {
  const encoded = new Uint8Array(bytes);
  for (const [name, value] of Object.entries(values as Record<string, number | Uint8Array>)) {
    const member = members[name]!;
    if (typeof value === 'number') {
      writeNumber(new DataView(encoded.buffer), member, value);
    } else if (value.length === member.bytes) {
      encoded.set(value, member.at);
    } else {
      throw new RangeError(`${name} must have ${member.bytes} bytes, not ${value.length}`);
    }
  }
  return encoded;
}

/** Reads the numbers of a structure; those of 64 bits lose their precision beyond 2^53. */
export function decodeStruct<L extends StructLayout>(
  { members }: L,
  bytes: Uint8Array,
): { [M in keyof L['members']]: number } {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const values = Object.entries(members).map(([name, member]) => [name, readNumber(view, member)]);
  return Object.fromEntries(values) as { [M in keyof L['members']]: number };
}

/** Adds the 64-bit counters that a structure has for each CPU; precise below 2^53. */
export function sumCounters<L extends StructLayout>(
  { members }: L,
  values: readonly Uint8Array[],
): { [M in keyof L['members']]: number } {
  const views = values.map((value) => new DataView(value.buffer, value.byteOffset, value.byteLength));
  const sums = Object.entries(members).map(([name, { at }]) => {
    let sum = 0;
    for (const view of views) sum += view.getUint32(at, true) + view.getUint32(at + 4, true) * 2 ** 32;
    return [name, sum];
  });
  return Object.fromEntries(sums) as { [M in keyof L['members']]: number };
}

function writeNumber(view: DataView, { at, bytes, bigEndian }: MemberLayout, value: number): void {
  const little = !bigEndian;
  if (bytes === 1) view.setUint8(at, value);
  else if (bytes === 2) view.setUint16(at, value, little);
  else if (bytes === 4) view.setUint32(at, value, little);
  else view.setBigUint64(at, BigInt(value), little);
}

function readNumber(view: DataView, { at, bytes, bigEndian }: MemberLayout): number {
  const little = !bigEndian;
  if (bytes === 1) return view.getUint8(at);
  if (bytes === 2) return view.getUint16(at, little);
  if (bytes === 4) return view.getUint32(at, little);
  return Number(view.getBigUint64(at, little));
}
