// SPDX-License-Identifier: MIT OR GPL-2.0-only
#pragma once

#include <stddef.h>

#include <linux/bpf.h>
#include <linux/if_ether.h>
#include <linux/in.h>
#include <linux/ip.h>
#include <linux/udp.h>

#include <bpf/bpf_endian.h>
#include <bpf/bpf_helpers.h>

#include "settings.h"

/** What the tunnel puts before a packet. */
struct outer {
	struct iphdr ip;
	struct udphdr udp;
};

/** An outer packet has room for all that the receiver inserts. */
#define LONGEST_OUTER_PACKET (65535 - INSERTED_BYTES)

/** Of an IPv4 header, up to its checksum: what changes with the TTL. */
#define CHANGED_BYTES offsetof(struct iphdr, saddr)

#define IPV4_DF 0x4000
/** Of the type of service: the ECN field (RFC 3168). The rest is DSCP. */
#define ECN_MASK 0x03
/** More fragments, or a fragment's offset. */
#define IPV4_FRAGMENT 0x3fff

/**
 * Header fields of 16 bits are added to sums of ones' complement as they are: such a sum has any
 * byte order.
 */
static __always_inline __u16 fold(__u32 sum)
{
	sum = (sum & 0xffff) + (sum >> 16);
	return (sum & 0xffff) + (sum >> 16);
}

/** Decrements the TTL, and updates the checksum (RFC 1624, equation 3). */
static __always_inline void decrement_ttl(struct iphdr *ip)
{
	ip->ttl--;
	/* The TTL is the upper byte of its word. */
	ip->check = fold((__u32)ip->check + bpf_htons(0x0100));
}

/** The options of an IPv4 header make it longer than `struct iphdr`. */
static __always_inline __u32 header_bytes(const struct iphdr *ip)
{
	return ip->ihl * 4;
}

/**
 * Measures the headers that segmentation repeats, of an inner packet that begins at `offset`;
 * zero bytes for a packet that is not to be segmented. Negative for segments of neither TCP nor
 * UDP.
 */
static __always_inline int measure_headers(struct __sk_buff *skb, __u32 offset,
					   const struct iphdr *ip)
{
	__u32 bytes = header_bytes(ip);
	__u8 data_offset;

	if (skb->gso_size == 0)
		return 0;
	if (ip->protocol == IPPROTO_UDP)
		return bytes + sizeof(struct udphdr);
	if (ip->protocol != IPPROTO_TCP)
		return -1;
	/* 32-bit words, in the upper four bits (RFC 9293, section 3.1). */
	if (bpf_skb_load_bytes(skb, offset + bytes + 12, &data_offset, sizeof(data_offset)))
		return -1;
	return bytes + (data_offset >> 4) * 4;
}

struct traffic {
	__u64 packets;
	__u64 bytes;
};

/**
 * Measures what an inner packet is on the wire: its segments, each with `headers` bytes in front.
 * `length` has these headers once. The kernel's own count of segments (gso_segs) may be missing.
 */
static __always_inline struct traffic measure_traffic(struct __sk_buff *skb, __u32 length,
						      __u32 headers)
{
	__u32 size = skb->gso_size;
	__u64 segments = size == 0 ? 1 : (length - headers + size - 1) / size;

	return (struct traffic){ .packets = segments, .bytes = length + (segments - 1) * headers };
}

/**
 * Makes room for more headers behind the link header; segments and their checksums stay as they
 * are. The kernel refuses packets that are encapsulated twice.
 */
static __always_inline long grow_headers(struct __sk_buff *skb, __u32 bytes, __u64 flags)
{
	return bpf_skb_adjust_room(skb, bytes, BPF_ADJ_ROOM_MAC,
				   BPF_F_ADJ_ROOM_FIXED_GSO | BPF_F_ADJ_ROOM_NO_CSUM_RESET | flags);
}
