// SPDX-License-Identifier: MIT OR GPL-2.0-only
#pragma once

#include <linux/bpf.h>
#include <linux/pkt_cls.h>

#include <bpf/bpf_helpers.h>

/**
 * How many packets a program left to user space, or dropped, and why; a super-packet counts once.
 * README.md of the package describes each reason; TypeScript has the same names in camel case,
 * generated from here.
 */
struct reasons {
	/* Left to user space by flannel_tx. */
	__u64 transmit_not_ipv4;
	__u64 transmit_malformed;
	__u64 transmit_ttl;
	__u64 transmit_too_large;
	__u64 transmit_no_route;
	__u64 transmit_not_fast_peer;
	__u64 transmit_unknown_segments;
	__u64 transmit_blackhole;
	__u64 transmit_unreachable;
	__u64 transmit_prohibited;
	__u64 transmit_not_forwarded;
	__u64 transmit_forwarding_disabled;
	__u64 transmit_route_encapsulates;
	__u64 transmit_no_neighbour;
	__u64 transmit_fragmentation_needed;
	__u64 transmit_lookup_failed;
	__u64 transmit_ipv6_gateway;
	__u64 transmit_adjust_failed;
	__u64 transmit_expired;
	/* Dropped by flannel_tx. */
	__u64 transmit_no_memory;

	/* Left to user space by flannel_rx. */
	__u64 receive_options;
	__u64 receive_has_checksum;
	__u64 receive_fragment;
	__u64 receive_too_large;
	__u64 receive_malformed;
	__u64 receive_not_ipv4;
	__u64 receive_ttl;
	__u64 receive_not_ours;
	__u64 receive_unknown_source;
	__u64 receive_wrong_peer;
	__u64 receive_unknown_segments;
	__u64 receive_no_device;
	__u64 receive_expired;
	/* Dropped by flannel_rx. */
	__u64 receive_adjust_failed;
	__u64 receive_not_assigned;

	/* Dropped by flannel_deliver. */
	__u64 deliver_unmarked;
	__u64 deliver_malformed;
};

struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct reasons);
} flannel_reasons __weak SEC(".maps");

/** Never NULL for an array, which the verifier does not know. */
static __always_inline struct reasons *find_reasons(void)
{
	__u32 only = 0;

	return bpf_map_lookup_elem(&flannel_reasons, &only);
}

/** The next program at the interface decides, and then the tunnel's threads get the packet. */
static __always_inline int leave(__u64 *reason)
{
	(*reason)++;
	return TC_ACT_UNSPEC;
}

static __always_inline int drop(__u64 *reason)
{
	(*reason)++;
	return TC_ACT_SHOT;
}
