// SPDX-License-Identifier: MIT OR GPL-2.0-only
#pragma once

#include "packet.h"

/* As in linux/icmp.h, which includes headers of the C library. */
#define ICMP_DEST_UNREACH 3
#define ICMP_FRAG_NEEDED 4

struct icmp_header {
	__u8 type;
	__u8 code;
	__u16 checksum;
	__u32 rest;
};

/** What follows the IPv4 header of an ICMP message: its own header, and the packet it is about. */
struct quotation {
	struct icmp_header icmp;
	struct outer quoted;
};

/**
 * Repairs a message that a packet was larger than its path (RFC 1191). When the packet was sent
 * from another port than the tunnel's, the kernel would find no socket for the message and ignore
 * it: so it gets the tunnel's port.
 */
static __always_inline void restore_quoted_port(struct __sk_buff *skb, const struct iphdr *ip)
{
	const __u32 start = ETH_HLEN + sizeof(struct iphdr);
	const __be16 port = settings.local_port;
	struct port_range own = own_source_ports();
	struct quotation message;
	const struct outer *quoted = &message.quoted;

	if (ip->protocol != IPPROTO_ICMP || header_bytes(ip) != sizeof(*ip) ||
	    ip->frag_off & bpf_htons(IPV4_FRAGMENT))
		return;
	if (bpf_skb_load_bytes(skb, start, &message, sizeof(message)))
		return;
	if (message.icmp.type != ICMP_DEST_UNREACH || message.icmp.code != ICMP_FRAG_NEEDED)
		return;
	if (quoted->ip.version != 4 || header_bytes(&quoted->ip) != sizeof(struct iphdr) ||
	    quoted->ip.protocol != IPPROTO_UDP || quoted->ip.saddr != settings.local_address)
		return;
	if (quoted->udp.dest != settings.local_port || !contains_port(own, quoted->udp.source))
		return;
	if (bpf_l4_csum_replace(skb, start + offsetof(struct icmp_header, checksum), quoted->udp.source,
				port, sizeof(port)))
		return;
	bpf_skb_store_bytes(skb, start + offsetof(struct quotation, quoted.udp.source), &port,
			    sizeof(port), 0);
}
