// SPDX-License-Identifier: MIT OR GPL-2.0-only
#include <linux/bpf.h>

#include <bpf/bpf_helpers.h>

struct three {
	__u8 bytes[3];
};

/** So that all entries are more than one batch. */
struct large {
	__u32 number;
	__u8 rest[252];
};

struct numbers {
	__be16 port;
	__u8 byte;
	__u32 word;
	__be32 address;
	__u64 count;
};

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 4);
	__type(key, __u16);
	__type(value, struct three);
} test_hash SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__uint(max_entries, 10000);
	__type(key, __u32);
	__type(value, struct large);
} test_large SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 2);
	__type(key, __u32);
	__type(value, struct numbers);
} test_array SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_HASH);
	__uint(max_entries, 4);
	__type(key, __u16);
	__type(value, struct three);
} test_percpu SEC(".maps");

/** A per-CPU entry that it finds counts one, on the CPU that it runs on. */
SEC("tc")
int count_on_cpu(struct __sk_buff *skb)
{
	__u16 key = 1;
	struct three *three = bpf_map_lookup_elem(&test_percpu, &key);

	if (three)
		three->bytes[0]++;
	return skb->len;
}
