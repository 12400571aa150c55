import type { Address, Family, Prefix } from '@flannel-ts/ip';

/** A network interface (`struct ifinfomsg` of linux/rtnetlink.h and its IFLA_ attributes). */
export interface Link {
  readonly index: number;
  readonly name: string;
  /** Bytes, without the link header. */
  readonly mtu: number;
  /** Administratively up (IFF_UP). */
  readonly up: boolean;
  /** `aa:bb:cc:dd:ee:ff`, lower case; `undefined` for links without one, such as TUN. */
  readonly mac?: string | undefined;
  /** Index of the link this one is stacked on (IFLA_LINK). */
  readonly parentIndex?: number | undefined;
  /** Index of the bridge or bond that this link is a port of (IFLA_MASTER). */
  readonly masterIndex?: number | undefined;
  readonly detail: LinkDetail;
}

/** IFLA_LINKINFO by kind; `other` carries the kernel's name of a kind that this package does not decode. */
export type LinkDetail =
  | VxlanDetail
  | { readonly kind: 'tun'; readonly persistent: boolean }
  | { readonly kind: 'bridge' }
  | { readonly kind: 'veth' }
  | { readonly kind: 'physical' }
  | { readonly kind: 'other'; readonly name: string };

/** A VXLAN device (IFLA_VXLAN_ attributes). */
export interface VxlanDetail {
  readonly kind: 'vxlan';
  readonly vni: number;
  /** UDP destination port. */
  readonly port: number;
  readonly local?: Address | undefined;
  /** Multicast group or default remote. */
  readonly group?: Address | undefined;
  readonly learning: boolean;
  readonly l2miss: boolean;
  readonly gbp: boolean;
}

/** An address of a link (`struct ifaddrmsg`). */
export interface LinkAddress {
  readonly linkIndex: number;
  readonly address: Address;
  readonly prefixLength: number;
  readonly scope: Scope;
}

export type Scope = 'global' | 'site' | 'link' | 'host' | 'nowhere';

/** A route of one table (`struct rtmsg`). */
export interface Route {
  readonly destination: Prefix;
  readonly kind: 'unicast' | 'blackhole' | 'local' | 'broadcast' | 'multicast' | 'other';
  readonly linkIndex?: number | undefined;
  readonly gateway?: Address | undefined;
  /** Preferred source address (RTA_PREFSRC). */
  readonly source?: Address | undefined;
  /** RTNH_F_ONLINK: the gateway is reachable on the link although no route says so. */
  readonly onlink: boolean;
  readonly scope: Scope;
  /** Routing table; 254 is main. */
  readonly table: number;
  /** Who installed it: 2 kernel, 3 boot, 4 static, … (rtnetlink.h RTPROT_). */
  readonly protocol: number;
  /** RTA_PRIORITY; lower wins. */
  readonly metric?: number | undefined;
  /** More than one next hop (RTA_MULTIPATH); then `linkIndex` and `gateway` are those of the first. */
  readonly multipath: boolean;
}

/** An ARP or NDP entry (`struct ndmsg`, AF_INET and AF_INET6). */
export interface Neighbour {
  readonly linkIndex: number;
  readonly address: Address;
  readonly mac?: string | undefined;
  /** NUD_PERMANENT: never aged out. */
  readonly permanent: boolean;
}

/** A forwarding database entry of a VXLAN device (`struct ndmsg`, AF_BRIDGE, NTF_SELF). */
export interface FdbEntry {
  readonly linkIndex: number;
  readonly mac: string;
  /** Remote VTEP (NDA_DST). */
  readonly destination?: Address | undefined;
  /** NUD_PERMANENT or NUD_NOARP: never aged out. */
  readonly permanent: boolean;
}

/** What a subscription reports, decoded. */
export type KernelEvent =
  | { readonly kind: 'link'; readonly change: 'put' | 'removed'; readonly link: Link }
  | { readonly kind: 'address'; readonly change: 'put' | 'removed'; readonly address: LinkAddress }
  | { readonly kind: 'route'; readonly change: 'put' | 'removed'; readonly route: Route }
  | { readonly kind: 'neighbour'; readonly change: 'put' | 'removed'; readonly neighbour: Neighbour }
  | { readonly kind: 'fdb'; readonly change: 'put' | 'removed'; readonly entry: FdbEntry }
  /** The kernel dropped events (ENOBUFS): whatever the subscriber knows may be stale, dump again. */
  | { readonly kind: 'overrun' };

/** What a dump is limited to. */
export interface DumpFilter {
  readonly family?: Family | undefined;
  readonly linkIndex?: number | undefined;
  /** Routes alone have one. */
  readonly kind?: Exclude<Route['kind'], 'other'> | undefined;
}
