import type { GuardListing } from './listing.ts';

/** @param expected - without a structure when nothing was made yet */
export function describeDifference(
  expected: { readonly structure: string | undefined; readonly peers: ReadonlySet<string> },
  found: GuardListing | undefined,
): string[] {
  if (!found) return ['the table is missing'];
  if (expected.structure === undefined) return ['the table holds earlier rules'];
  if (expected.structure !== found.structure) return ['the table has other rules'];
  const missing = [...expected.peers].filter((peer) => !found.peers.has(peer));
  const surplus = [...found.peers].filter((peer) => !expected.peers.has(peer));
  return [
    ...(missing.length > 0 ? [`the set peers lacks ${sample(missing)}`] : []),
    ...(surplus.length > 0 ? [`the set peers has unwanted ${sample(surplus)}`] : []),
  ];
}

function sample([first = '', ...more]: readonly string[]): string {
  return more.length > 0 ? `${first} and ${more.length} more` : first;
}
