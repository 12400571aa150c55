// SPDX-License-Identifier: MIT OR GPL-2.0-only
#include "expiry.h"
#include "packet.h"
#include "path_mtu.h"
#include "prefixes.h"
#include "reasons.h"

/** The headers in the order of the packet that the decapsulating device gets. */
struct headers {
	struct outer outer;
	__u16 inserted[INSERTED_BYTES / 2];
};
/** The compiler aligns the structure, which is larger. */
#define HEADERS_BYTES (sizeof(struct outer) + INSERTED_BYTES)

/**
 * Tells whether a packet is for the address of the tunnel's socket. `outer` has its port only when
 * it is UDP without options of IP.
 */
static __always_inline int is_for_address(struct __sk_buff *skb, struct outer *outer)
{
	if (skb->protocol != bpf_htons(ETH_P_IP) || skb->pkt_type != 0 || skb->vlan_present)
		return 0;
	if (bpf_skb_load_bytes(skb, ETH_HLEN, outer, sizeof(*outer)))
		return 0;
	return outer->ip.version == 4 && outer->ip.daddr == settings.local_address;
}

/** Tells whether a peer sent a packet: from its socket, or by its fast path. */
static __always_inline int is_from(const struct outer *outer, const struct prefix_entry *peer)
{
	return outer->ip.saddr == peer->address &&
	       (outer->udp.source == peer->port ||
		contains_port(peer->source_ports, outer->udp.source));
}

/** Finds the decapsulating device's socket, which is to be released. */
static __always_inline struct bpf_sock *find_socket(struct __sk_buff *skb,
						    const struct outer *outer)
{
	struct bpf_sock_tuple tuple = {};

	tuple.ipv4.saddr = outer->ip.saddr;
	tuple.ipv4.daddr = outer->ip.daddr;
	tuple.ipv4.sport = outer->udp.source;
	tuple.ipv4.dport = settings.decapsulation_port;
	return bpf_sk_lookup_udp(skb, &tuple, sizeof(tuple.ipv4), BPF_F_CURRENT_NETNS, 0);
}

/** Adapts the outer headers to the inserted ones, whose bytes both lengths count. */
static __always_inline void write_headers(struct headers *headers)
{
	struct iphdr *ip = &headers->outer.ip;
	struct udphdr *udp = &headers->outer.udp;
	__be16 before = ip->tot_len;

	ip->tot_len = bpf_htons(bpf_ntohs(before) + INSERTED_BYTES);
	/* RFC 1624, equation 3: ~(~checksum + ~before + after). */
	ip->check = ~fold((__u16)~ip->check + (__u32)(__u16)~before + ip->tot_len);
	udp->len = bpf_htons(bpf_ntohs(udp->len) + INSERTED_BYTES);
	/*
	 * The kernel's NAT takes the socket from a packet whose sender's port is not that which
	 * the socket is connected to (nf_nat_ipv4_local_in): none, 0.
	 */
	udp->source = 0;
#pragma unroll
	for (int index = 0; index < INSERTED_BYTES / 2; index++)
		headers->inserted[index] = settings.inserted[index];
}

static __always_inline void count_received(const struct prefix *prefix, struct traffic traffic)
{
	struct prefix_traffic *counters = bpf_map_lookup_elem(&flannel_traffic, prefix);

	if (!counters)
		return;
	counters->received_packets += traffic.packets;
	counters->received_bytes += traffic.bytes;
}

/**
 * Runs at the ingress of the underlay. Takes datagrams that a fast path sent: those without a UDP
 * checksum, whose inner source is the sender's and whose inner destination is ours. They become
 * VXLAN packets for the socket of the decapsulating device, still with the tunnel's port, so that
 * the host's firewall sees what it knows. Everything else goes on to the tunnel's own socket in
 * user space, which drops, answers and counts. What is not for the tunnel is not counted here.
 * Messages of the path about what flannel_tx sent go on to that socket, too.
 */
SEC("tc")
int flannel_rx(struct __sk_buff *skb)
{
	struct headers headers;
	struct outer *outer = &headers.outer;
	struct iphdr inner;
	struct prefix prefix;
	struct prefix_entry *entry;
	struct traffic traffic;
	struct reasons *reasons;
	struct bpf_sock *socket;
	__u32 length;
	int repeated;
	long refused;

	if (!is_for_address(skb, outer))
		return TC_ACT_UNSPEC;
	if (outer->ip.protocol != IPPROTO_UDP) {
		restore_quoted_port(skb, &outer->ip);
		return TC_ACT_UNSPEC;
	}
	reasons = find_reasons();
	if (!reasons)
		return TC_ACT_UNSPEC;
	if (header_bytes(&outer->ip) != sizeof(struct iphdr))
		return leave(&reasons->receive_options);
	if (outer->udp.dest != settings.local_port)
		return TC_ACT_UNSPEC;
	if (outer->udp.check != 0)
		return leave(&reasons->receive_has_checksum);
	if (outer->ip.frag_off & bpf_htons(IPV4_FRAGMENT))
		return leave(&reasons->receive_fragment);
	length = bpf_ntohs(outer->ip.tot_len);
	if (length > LONGEST_OUTER_PACKET)
		return leave(&reasons->receive_too_large);
	if (bpf_ntohs(outer->udp.len) + sizeof(struct iphdr) != length)
		return leave(&reasons->receive_malformed);

	if (bpf_skb_load_bytes(skb, ETH_HLEN + sizeof(struct outer), &inner, sizeof(inner)))
		return leave(&reasons->receive_malformed);
	if (inner.version != 4)
		return leave(&reasons->receive_not_ipv4);
	length -= sizeof(struct outer);
	if (header_bytes(&inner) < sizeof(inner) || bpf_ntohs(inner.tot_len) != length)
		return leave(&reasons->receive_malformed);
	if (inner.ttl <= 1)
		return leave(&reasons->receive_ttl);
	entry = find_prefix(inner.daddr, &prefix);
	if (!entry || entry->owner != OWNER_SELF)
		return leave(&reasons->receive_not_ours);
	entry = find_prefix(inner.saddr, &prefix);
	if (!entry)
		return leave(&reasons->receive_unknown_source);
	if (!is_from(outer, entry))
		return leave(&reasons->receive_wrong_peer);
	repeated = measure_headers(skb, ETH_HLEN + sizeof(struct outer), &inner);
	if (repeated < 0)
		return leave(&reasons->receive_unknown_segments);
	traffic = measure_traffic(skb, length, repeated);

	if (has_expired())
		return leave(&reasons->receive_expired);
	socket = find_socket(skb, outer);
	if (!socket)
		return leave(&reasons->receive_no_device);
	write_headers(&headers);
	if (grow_headers(skb, INSERTED_BYTES, 0) ||
	    bpf_skb_store_bytes(skb, ETH_HLEN, &headers, HEADERS_BYTES, BPF_F_RECOMPUTE_CSUM)) {
		bpf_sk_release(socket);
		return drop(&reasons->receive_adjust_failed);
	}
	/* It becomes the traffic control index at the decapsulating device. */
	skb->tc_classid = settings.mark;
	refused = bpf_sk_assign(skb, socket, 0);
	bpf_sk_release(socket);
	if (refused)
		return drop(&reasons->receive_not_assigned);
	count_received(&prefix, traffic);
	return TC_ACT_OK;
}
