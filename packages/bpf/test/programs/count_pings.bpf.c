// SPDX-License-Identifier: MIT OR GPL-2.0-only
#include <stddef.h>

#include <linux/bpf.h>
#include <linux/if_ether.h>
#include <linux/in.h>
#include <linux/ip.h>
#include <linux/pkt_cls.h>

#include <bpf/bpf_endian.h>
#include <bpf/bpf_helpers.h>

#define ICMP_ECHO 8

char LICENSE[] SEC("license") = "Dual MIT/GPL";

/** What becomes of echo requests, and of everything else. */
struct verdicts {
	__s32 on_ping;
	__s32 on_others;
};

const volatile struct verdicts verdicts;

struct counted {
	__u64 packets;
	__u64 bytes;
	__u64 gso_size;
	__u64 ifindex;
};

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct counted);
} test_counted SEC(".maps");

/** Counts IPv4 echo requests, and marks them by a TTL of 1. */
SEC("tc")
int count_pings(struct __sk_buff *skb)
{
	__u32 only = 0;
	struct counted *counted = bpf_map_lookup_elem(&test_counted, &only);
	struct {
		struct iphdr ip;
		__u8 icmp_type;
	} ping;
	__u8 ttl = 1;

	if (!counted || skb->protocol != bpf_htons(ETH_P_IP))
		return verdicts.on_others;
	if (bpf_skb_load_bytes(skb, ETH_HLEN, &ping, sizeof(ping.ip) + sizeof(ping.icmp_type)))
		return verdicts.on_others;
	if (ping.ip.protocol != IPPROTO_ICMP || ping.icmp_type != ICMP_ECHO)
		return verdicts.on_others;
	counted->packets++;
	counted->bytes += skb->len;
	counted->gso_size = skb->gso_size;
	counted->ifindex = skb->ifindex;
	if (verdicts.on_ping == TC_ACT_SHOT)
		bpf_skb_store_bytes(skb, ETH_HLEN + offsetof(struct iphdr, ttl), &ttl, sizeof(ttl), 0);
	return verdicts.on_ping;
}
