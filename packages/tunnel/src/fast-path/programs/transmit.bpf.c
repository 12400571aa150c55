// SPDX-License-Identifier: MIT OR GPL-2.0-only
#include "expiry.h"
#include "packet.h"
#include "prefixes.h"
#include "reasons.h"

/** linux/socket.h, which is no UAPI header */
#define AF_INET 2
/** Routing rules of packets that this host sends itself name it (`ip rule … iif lo`). */
#define LOOPBACK_INDEX 1
#define OUTER_TTL 64

char LICENSE[] SEC("license") = "Dual MIT/GPL";

/** The headers in the order of the packet. */
struct headers {
	struct outer outer;
	struct iphdr inner;
};

/** Returns the outer type of service: ECN is inherited only towards peers that combine it. */
static __always_inline __u8 choose_tos(const struct iphdr *inner, const struct prefix_entry *peer)
{
	if (!settings.inherit_tos)
		return 0;
	return peer->ecn ? inner->tos : inner->tos & ~ECN_MASK;
}

/**
 * Returns the outer source port: for a peer that takes others than the tunnel's own, one by the
 * inner flow, so that receive queues and equal paths share flows, and each keeps its order.
 */
static __always_inline __be16 choose_source(struct __sk_buff *skb, const struct prefix_entry *peer)
{
	struct port_range own = own_source_ports();

	if (!has_ports(own) || !has_ports(peer->source_ports))
		return settings.local_port;
	return choose_port(own, bpf_get_hash_recalc(skb));
}

/**
 * Asks for the route to the peer. There is none to use when the largest segment does not fit its
 * MTU, nor when the next hop's link address is not known yet: a packet that waits for it would come
 * back by the TUN device.
 */
static __always_inline long find_path(struct __sk_buff *skb, const struct outer *outer,
				      __u32 largest, struct bpf_fib_lookup *path)
{
	path->family = AF_INET;
	path->tos = outer->ip.tos;
	path->l4_protocol = IPPROTO_UDP;
	path->sport = outer->udp.source;
	path->dport = outer->udp.dest;
	path->tot_len = largest + sizeof(struct outer);
	path->ifindex = LOOPBACK_INDEX;
	path->ipv4_src = outer->ip.saddr;
	path->ipv4_dst = outer->ip.daddr;
	return bpf_fib_lookup(skb, path, sizeof(*path), 0);
}

static __always_inline __u64 *reason_of(long lookup, struct reasons *reasons)
{
	switch (lookup) {
	case BPF_FIB_LKUP_RET_BLACKHOLE:
		return &reasons->transmit_blackhole;
	case BPF_FIB_LKUP_RET_UNREACHABLE:
		return &reasons->transmit_unreachable;
	case BPF_FIB_LKUP_RET_PROHIBIT:
		return &reasons->transmit_prohibited;
	case BPF_FIB_LKUP_RET_NOT_FWDED:
		return &reasons->transmit_not_forwarded;
	case BPF_FIB_LKUP_RET_FWD_DISABLED:
		return &reasons->transmit_forwarding_disabled;
	case BPF_FIB_LKUP_RET_UNSUPP_LWT:
		return &reasons->transmit_route_encapsulates;
	case BPF_FIB_LKUP_RET_NO_NEIGH:
		return &reasons->transmit_no_neighbour;
	case BPF_FIB_LKUP_RET_FRAG_NEEDED:
		return &reasons->transmit_fragmentation_needed;
	default:
		return &reasons->transmit_lookup_failed;
	}
}

static __always_inline __u16 checksum(const struct iphdr *ip)
{
	const __u16 *words = (const __u16 *)ip;
	__u32 sum = 0;

#pragma unroll
	for (int index = 0; index < (int)(sizeof(*ip) / 2); index++)
		sum += words[index];
	return ~fold(sum);
}

/**
 * The outer packet must not be fragmented, so that path-MTU discovery works; its UDP checksum is
 * zero, as VXLAN's is.
 */
static __always_inline void write_outer(struct outer *outer, struct __sk_buff *skb,
					const struct prefix_entry *peer, const struct iphdr *inner)
{
	__u32 length = skb->len;

	outer->ip = (struct iphdr){
		.version = 4,
		.ihl = sizeof(struct iphdr) / 4,
		.tos = choose_tos(inner, peer),
		.tot_len = bpf_htons(length + sizeof(struct outer)),
		.frag_off = bpf_htons(IPV4_DF),
		.ttl = OUTER_TTL,
		.protocol = IPPROTO_UDP,
		.saddr = settings.local_address,
		.daddr = peer->address,
	};
	outer->ip.check = checksum(&outer->ip);
	outer->udp = (struct udphdr){
		.source = choose_source(skb, peer),
		.dest = peer->port,
		.len = bpf_htons(length + sizeof(struct udphdr)),
	};
}

static __always_inline void count_sent(const struct prefix *prefix, struct traffic traffic)
{
	struct prefix_traffic *counters = bpf_map_lookup_elem(&flannel_traffic, prefix);

	if (!counters)
		return;
	counters->sent_packets += traffic.packets;
	counters->sent_bytes += traffic.bytes;
}

/**
 * Runs at the egress of the TUN device, whose packets have no link header. Encapsulates a packet,
 * with segmentation still ahead of it, and hands it to the device that leads to the peer. What it
 * is not sure of goes on to user space.
 */
SEC("tc")
int flannel_tx(struct __sk_buff *skb)
{
	struct reasons *reasons = find_reasons();
	struct headers headers;
	struct iphdr *inner = &headers.inner;
	struct bpf_fib_lookup path = {};
	struct bpf_redir_neigh next_hop = {};
	struct prefix prefix;
	struct prefix_entry *peer;
	__u32 length = skb->len;
	int repeated;
	long lookup;

	if (!reasons)
		return TC_ACT_UNSPEC;
	if (skb->protocol != bpf_htons(ETH_P_IP))
		return leave(&reasons->transmit_not_ipv4);
	if (bpf_skb_load_bytes(skb, 0, inner, sizeof(*inner)))
		return leave(&reasons->transmit_malformed);
	if (inner->version != 4 || header_bytes(inner) < sizeof(*inner) ||
	    bpf_ntohs(inner->tot_len) != length)
		return leave(&reasons->transmit_malformed);
	if (inner->ttl <= 1)
		return leave(&reasons->transmit_ttl);
	if (length > LONGEST_OUTER_PACKET - sizeof(struct outer))
		return leave(&reasons->transmit_too_large);
	peer = find_prefix(inner->daddr, &prefix);
	if (!peer)
		return leave(&reasons->transmit_no_route);
	if (peer->owner != OWNER_FAST_PEER)
		return leave(&reasons->transmit_not_fast_peer);
	if (has_expired())
		return leave(&reasons->transmit_expired);
	repeated = measure_headers(skb, 0, inner);
	if (repeated < 0)
		return leave(&reasons->transmit_unknown_segments);
	write_outer(&headers.outer, skb, peer, inner);
	lookup = find_path(skb, &headers.outer, skb->gso_size ? skb->gso_size + repeated : length,
			   &path);
	if (lookup != BPF_FIB_LKUP_RET_SUCCESS)
		return leave(reason_of(lookup, reasons));
	/* The lookup changes the family when an IPv4 route has an IPv6 gateway. */
	if (path.family != AF_INET)
		return leave(&reasons->transmit_ipv6_gateway);

	decrement_ttl(inner);
	if (grow_headers(skb, sizeof(struct outer),
			 BPF_F_ADJ_ROOM_ENCAP_L3_IPV4 | BPF_F_ADJ_ROOM_ENCAP_L4_UDP))
		return leave(&reasons->transmit_adjust_failed);
	/* From here on the packet is changed, and of no use to user space. */
	if (bpf_skb_store_bytes(skb, 0, &headers, sizeof(struct outer) + CHANGED_BYTES, 0))
		return drop(&reasons->transmit_no_memory);
	/* bpf_redirect_neigh replaces this link header by the device's own. */
	if (bpf_skb_change_head(skb, ETH_HLEN, 0))
		return drop(&reasons->transmit_no_memory);
	count_sent(&prefix, measure_traffic(skb, length, repeated));
	next_hop.nh_family = AF_INET;
	next_hop.ipv4_nh = path.ipv4_dst;
	return bpf_redirect_neigh(path.ifindex, &next_hop, sizeof(next_hop), 0);
}
