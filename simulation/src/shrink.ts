/**
 * Finds a small part of a list that still fails, by Zeller's delta debugging: drops ever smaller parts while
 * the rest fails. The result is a list from which no single item can be dropped, unless `budget` runs out.
 * @param fails - whether a part fails; the whole list does
 * @param budget - how many parts are tried at most
 */
export async function shrink<T>(
  items: readonly T[],
  fails: (part: readonly T[]) => Promise<boolean>,
  budget: number,
): Promise<readonly T[]> {
  let rest = items;
  let parts = 2;
  let tried = 0;
  while (rest.length > 0 && tried < budget) {
    const size = Math.max(1, Math.ceil(rest.length / parts));
    const smaller = await findSmaller(size);
    if (smaller) {
      rest = smaller;
      parts = Math.max(2, parts - 1);
    } else if (size === 1) break;
    else parts = Math.min(2 * parts, rest.length);
  }
  return rest;

  /** The list without one part of `size` items, if that still fails. */
  async function findSmaller(size: number): Promise<readonly T[] | undefined> {
    for (let start = 0; start < rest.length && tried < budget; start += size) {
      tried++;
      const part = [...rest.slice(0, start), ...rest.slice(start + size)];
      if (await fails(part)) return part;
    }
    return undefined;
  }
}
