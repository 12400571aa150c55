import type { FdbEntry, LinkAddress, Neighbour, Route, VxlanDetail } from './objects.ts';

/** A link to create; without a MAC address or MTU (in bytes) the kernel chooses. */
export type NewLink = {
  readonly name: string;
  readonly mtu?: number | undefined;
  readonly mac?: string | undefined;
} & (
  | { readonly kind: 'bridge' }
  | { readonly kind: 'veth'; readonly peerName: string }
  /** Without a parent, the kernel's routes choose the link for each packet. */
  | (Omit<VxlanDetail, 'l2miss' | 'group'> & { readonly parentIndex?: number })
);

/** A route to install: with one next hop, and of a kind that has a name. */
export type NewRoute = Route & {
  readonly kind: Exclude<Route['kind'], 'other'>;
  readonly multipath: false;
};

/**
 * One change asked of the kernel. `put` creates, or replaces in place what has the same key:
 *
 * - an address: link, address and prefix length;
 * - a route: table, destination and metric. Of several such routes (`ip route append`) IPv4 replaces the first
 *   and fails with EEXIST when a later one is what is put; IPv6 replaces those with a gateway by one with a
 *   gateway, and those without by one without. IPv6 refuses (EINVAL) an onlink gateway that a
 *   route leads to over another link, be it the route to replace: delete that one before;
 * - a neighbour: link and address; an FDB entry: link and MAC address.
 *
 * `delete` of a route looks at table, destination, and whichever of next hop and metric are given. It fails
 * for what is not there: an address by EADDRNOTAVAIL, a route by ESRCH, a neighbour or FDB entry by ENOENT, a
 * link by ENODEV.
 */
export type Operation =
  | { readonly op: 'create-link'; readonly link: NewLink }
  | {
      readonly op: 'set-link';
      readonly index: number;
      readonly up?: boolean;
      readonly mtu?: number;
      readonly mac?: string;
      readonly masterIndex?: number;
      /** A note for people and programs, at most 255 bytes. */
      readonly alias?: string;
    }
  | { readonly op: 'delete-link'; readonly index: number }
  | { readonly op: 'put-address'; readonly address: LinkAddress }
  | { readonly op: 'delete-address'; readonly address: LinkAddress }
  | { readonly op: 'put-route'; readonly route: NewRoute }
  | { readonly op: 'delete-route'; readonly route: Route }
  | { readonly op: 'put-neighbour'; readonly neighbour: Neighbour }
  | { readonly op: 'delete-neighbour'; readonly neighbour: Neighbour }
  | { readonly op: 'put-fdb'; readonly entry: FdbEntry }
  | { readonly op: 'delete-fdb'; readonly entry: FdbEntry };
