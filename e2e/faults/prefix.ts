import { parsePrefix, type Prefix } from '@flannel-ts/ip';

/** @param key - `10.5.69.0-24` @returns undefined for a key that names no subnet */
function prefixOfKey(key: string): Prefix | undefined {
  try {
    return parsePrefix(key.replace('-', '/'));
  } catch {
    return undefined;
  }
}

/** Whether two keys of leases have an address in common; one that is no subnet has none. */
export function overlap(one: string, other: string): boolean {
  const [first, second] = [prefixOfKey(one), prefixOfKey(other)];
  return first !== undefined && second !== undefined && first.overlaps(second);
}
