/**
 * Adds 16-bit words in network byte order, for {@link foldChecksum}; a last odd byte counts as if a zero
 * followed. So every range of one sum but the last must have an even length.
 *
 * @param sum - what to add to
 * @default 0
 */
export function sumWords(bytes: Uint8Array, start: number, end: number, sum = 0): number {
  let total = sum;
  let at = start;
  for (; at + 1 < end; at += 2) total += (bytes[at]! << 8) | bytes[at + 1]!;
  return at < end ? total + (bytes[at]! << 8) : total;
}

/** The Internet checksum of a sum of words: its one's complement in 16 bits (RFC 1071). */
export function foldChecksum(sum: number): number {
  let folded = sum;
  while (folded > 0xffff) folded = (folded & 0xffff) + Math.floor(folded / 0x10000);
  return ~folded & 0xffff;
}

/**
 * The Internet checksum (RFC 1071) of a range of bytes. Over a header that contains its checksum it is 0
 * when that is right.
 *
 * @param sum - words that belong to it too, such as those of a pseudo-header
 * @default 0
 */
export function internetChecksum(bytes: Uint8Array, start = 0, end = bytes.length, sum = 0): number {
  return foldChecksum(sumWords(bytes, start, end, sum));
}

/**
 * The checksum after one 16-bit word changed, without a look at the rest: `HC' = ~(~HC + ~m + m')`
 * (RFC 1624, equation 3). A UDP checksum of zero means that there is none and must stay, and a result of
 * zero is then written as 0xffff.
 */
export function updateChecksum(checksum: number, before: number, after: number): number {
  return foldChecksum((~checksum & 0xffff) + (~before & 0xffff) + after);
}
