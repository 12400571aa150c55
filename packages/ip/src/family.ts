/** An IP version as a value, so that code handles both families with one branch-free path. */
export type Family = 4 | 6;

/** Address length in bits: 32 or 128. */
export function familyBits(family: Family): number {
  return family === 4 ? 32 : 128;
}
