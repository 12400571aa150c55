import type { Address } from '@flannel-ts/ip';
import type { TunnelPeersChange } from '../desired-rules.ts';

/** Returns what several changes do to the peers, one after the other. */
export function mergeChanges(
  peers: ReadonlySet<string>,
  changes: readonly TunnelPeersChange[],
): TunnelPeersChange {
  const last = new Map<string, { readonly address: Address; readonly isPeer: boolean }>();
  for (const { add, remove } of changes) {
    for (const address of remove) last.set(address.toString(), { address, isPeer: false });
    for (const address of add) last.set(address.toString(), { address, isPeer: true });
  }
  const news = [...last].filter(([text, { isPeer }]) => peers.has(text) !== isPeer);
  const addresses = (isPeer: boolean) =>
    news.flatMap(([, each]) => (each.isPeer === isPeer ? [each.address] : []));
  return { add: addresses(true), remove: addresses(false) };
}
