// SPDX-License-Identifier: MIT OR GPL-2.0-only
#pragma once

#include <linux/types.h>

#include <bpf/bpf_endian.h>
#include <bpf/bpf_helpers.h>

/** UDP ports in the machine's byte order; both are 0 when there is no range. */
struct port_range {
	__u16 first;
	__u16 last;
};

static __always_inline int has_ports(struct port_range range)
{
	return range.last != 0;
}

static __always_inline int contains_port(struct port_range range, __be16 port)
{
	return has_ports(range) && bpf_ntohs(port) >= range.first &&
	       bpf_ntohs(port) <= range.last;
}

/** Spreads hashes over a range. */
static __always_inline __be16 choose_port(struct port_range range, __u32 hash)
{
	__u32 count = range.last - range.first + 1;

	return bpf_htons(range.first + ((__u64)hash * count >> 32));
}
