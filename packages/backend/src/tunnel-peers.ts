import type { Address } from '@flannel-ts/ip';
import type { PlanChange } from './select-peers.ts';

/** Addresses between which and this host encapsulated packets go, that have come and gone. */
export interface TunnelPeersChange {
  readonly add: readonly Address[];
  readonly remove: readonly Address[];
}

/** Counts the leases of each peer's address: a host that changed its subnet has two until the former one expires. */
export interface TunnelPeers {
  /** Takes in what leases ask now, and returns what that changes. The cost is that of the changes. */
  update(changes: Iterable<PlanChange>): TunnelPeersChange;
}

export function createTunnelPeers(): TunnelPeers {
  const leases = new Map<string, number>();
  return {
    update(changes) {
      const touched = new Map<string, { readonly address: Address; readonly before: number }>();
      const count = (address: Address | undefined, difference: number) => {
        if (!address) return;
        const text = address.toString();
        const before = leases.get(text) ?? 0;
        if (!touched.has(text)) touched.set(text, { address, before });
        if (before + difference === 0) leases.delete(text);
        else leases.set(text, before + difference);
      };
      for (const { before, after } of changes) {
        count(before?.tunnelPeer, -1);
        count(after?.tunnelPeer, 1);
      }
      const all = [...touched].map(([text, each]) => ({ ...each, isPeer: leases.has(text) }));
      return {
        add: all.filter(({ before, isPeer }) => before === 0 && isPeer).map(({ address }) => address),
        remove: all.filter(({ before, isPeer }) => before > 0 && !isPeer).map(({ address }) => address),
      };
    },
  };
}
