// SPDX-License-Identifier: MIT OR GPL-2.0-only
#pragma once

#include <linux/bpf.h>

#include <bpf/bpf_helpers.h>

/**
 * Until when packets may be carried: the programs outlive the process that knows whether this host
 * still has its subnet.
 */
struct expiry {
	/** Nanoseconds of CLOCK_BOOTTIME; 0 is never. */
	__u64 at;
};

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct expiry);
} flannel_expiry __weak SEC(".maps");

static __always_inline int has_expired(void)
{
	__u32 only = 0;
	const struct expiry *expiry = bpf_map_lookup_elem(&flannel_expiry, &only);

	return expiry && expiry->at != 0 && bpf_ktime_get_boot_ns() >= expiry->at;
}
