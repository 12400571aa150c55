// SPDX-License-Identifier: MIT OR GPL-2.0-only
#include <linux/bpf.h>

#include <bpf/bpf_helpers.h>

char LICENSE[] SEC("license") = "Dual MIT/GPL";

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, __u64);
} test_refused SEC(".maps");

/** The verifier refuses it, since an entry may be missing. */
SEC("tc")
int test_refused_tc(struct __sk_buff *skb)
{
	__u32 key = skb->len;
	__u64 *count = bpf_map_lookup_elem(&test_refused, &key);

	return *count;
}
