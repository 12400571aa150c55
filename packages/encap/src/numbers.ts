/** EtherTypes of what an overlay carries (IEEE 802, assigned numbers). */
export const ETHER_TYPE = { ipv4: 0x0800, arp: 0x0806, ipv6: 0x86dd } as const;

/** Protocols above IP that have a checksum here (IANA, protocol numbers). */
export const PROTOCOL = { icmp: 1, tcp: 6, udp: 17, icmpv6: 58 } as const;
