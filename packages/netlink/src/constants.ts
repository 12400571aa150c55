// Numbers of the kernel's headers, by their names there without the common prefix. Netlink is in host byte
// order, which is little-endian on every machine that Node's Linux builds run on but s390x.

/** linux/netlink.h: protocols, NLMSG_ types and NLM_F_ flags. */
export const NETLINK_ROUTE = 0;
export const NETLINK_XFRM = 6;
export const NLMSG = { ERROR: 2, DONE: 3 } as const;
export const NLM_F = {
  REQUEST: 0x1,
  ACK: 0x4,
  DUMP_INTR: 0x10,
  DUMP: 0x300,
  REPLACE: 0x100,
  EXCL: 0x200,
  CREATE: 0x400,
  /** In an error: the request is not quoted whole. */
  CAPPED: 0x100,
  /** In an error: attributes follow. */
  ACK_TLVS: 0x200,
} as const;
export const NLMSGERR_ATTR_MSG = 1;
export const NLA_TYPE_MASK = 0x3fff;
export const NLA_F_NESTED = 0x8000;

/** linux/rtnetlink.h: RTM_ message types. */
export const RTM = {
  NEWLINK: 16,
  DELLINK: 17,
  GETLINK: 18,
  SETLINK: 19,
  NEWADDR: 20,
  DELADDR: 21,
  GETADDR: 22,
  NEWROUTE: 24,
  DELROUTE: 25,
  GETROUTE: 26,
  NEWNEIGH: 28,
  DELNEIGH: 29,
  GETNEIGH: 30,
} as const;

/** linux/rtnetlink.h: RTNLGRP_ multicast groups. */
export const RTNLGRP = {
  LINK: 1,
  NEIGH: 3,
  IPV4_IFADDR: 5,
  IPV4_ROUTE: 7,
  IPV6_IFADDR: 9,
  IPV6_ROUTE: 11,
} as const;

/** bits/socket.h: AF_ families. */
export const AF = { UNSPEC: 0, INET: 2, BRIDGE: 7, INET6: 10 } as const;

/** linux/xfrm.h: XFRM_MSG_ message types. */
export const XFRM_MSG = { NEWSPDINFO: 0x24, GETSPDINFO: 0x25 } as const;

/** linux/if_arp.h */
export const ARPHRD_ETHER = 1;

/** linux/if.h */
export const IFF_UP = 0x1;

/** linux/if_link.h */
export const IFLA = {
  ADDRESS: 1,
  IFNAME: 3,
  MTU: 4,
  LINK: 5,
  MASTER: 10,
  LINKINFO: 18,
  IFALIAS: 20,
} as const;
export const IFLA_INFO = { KIND: 1, DATA: 2 } as const;
export const IFLA_VXLAN = {
  ID: 1,
  GROUP: 2,
  LINK: 3,
  LOCAL: 4,
  LEARNING: 7,
  L2MISS: 13,
  PORT: 15,
  GROUP6: 16,
  LOCAL6: 17,
  GBP: 23,
} as const;
export const IFLA_TUN_PERSIST = 6;
export const VETH_INFO_PEER = 1;

/** linux/if_addr.h */
export const IFA = { ADDRESS: 1, LOCAL: 2 } as const;

/** linux/rtnetlink.h: RTA_ attributes, RTN_ types, RT_SCOPE_ scopes. */
export const RTA = { DST: 1, OIF: 4, GATEWAY: 5, PRIORITY: 6, PREFSRC: 7, MULTIPATH: 9, TABLE: 15 } as const;
export const RTN = { unicast: 1, local: 2, broadcast: 3, multicast: 5, blackhole: 6 } as const;
export const RT_SCOPE = { global: 0, site: 200, link: 253, host: 254, nowhere: 255 } as const;
export const RTNH_F_ONLINK = 4;
export const RT_TABLE_COMPAT = 252;
export const RT_TABLE_MAIN = 254;

/** linux/neighbour.h: NDA_ attributes, NUD_ states, NTF_ flags. */
export const NDA = { DST: 1, LLADDR: 2, IFINDEX: 8 } as const;
export const NUD = { REACHABLE: 0x02, NOARP: 0x40, PERMANENT: 0x80 } as const;
export const NTF_SELF = 2;
