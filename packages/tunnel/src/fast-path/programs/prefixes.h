// SPDX-License-Identifier: MIT OR GPL-2.0-only
#pragma once

#include <linux/bpf.h>

#include <bpf/bpf_endian.h>
#include <bpf/bpf_helpers.h>

#include "ports.h"

/** A /8 cut into /24. What is beyond goes through user space. */
#define MAX_PREFIXES 65536

/**
 * How many different lengths are tried, the longest first. What has none of them goes through user
 * space.
 */
#define PREFIX_LENGTHS 4

struct prefix {
	/** In the machine's byte order. */
	__u32 network;
	__u32 length;
};

/**
 * Whose a prefix is: a peer's that cannot take packets of a fast path, one's that can, or this
 * host's.
 */
enum owner { OWNER_PEER, OWNER_FAST_PEER, OWNER_SELF };

struct prefix_entry {
	/** The peer, in network byte order. */
	__be32 address;
	__be16 port;
	/** From which ports the peer's fast path sends, besides its own. */
	struct port_range source_ports;
	/** Whether the peer combines the ECN fields of both headers (RFC 6040). */
	__u16 ecn;
	enum owner owner;
};

/** The longest length first; zeros behind the last. */
struct prefix_lengths {
	__u32 lengths[PREFIX_LENGTHS];
};

/**
 * What a prefix's peer was sent and what it sent, as it is on the wire inside of the outer headers.
 */
struct prefix_traffic {
	__u64 sent_packets;
	__u64 sent_bytes;
	__u64 received_packets;
	__u64 received_bytes;
};

/**
 * An entry by prefix: a look-up costs the same for 2 peers and for 10,000, which it does not in a
 * trie.
 */
struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__uint(max_entries, MAX_PREFIXES);
	__type(key, struct prefix);
	__type(value, struct prefix_entry);
} flannel_prefix __weak SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct prefix_lengths);
} flannel_lengths __weak SEC(".maps");

/**
 * Counters of the peers' prefixes, apart from what look-ups read and apart for each CPU, so that
 * counting slows down neither look-ups nor other CPUs.
 */
struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_HASH);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__uint(max_entries, MAX_PREFIXES);
	__type(key, struct prefix);
	__type(value, struct prefix_traffic);
} flannel_traffic __weak SEC(".maps");

/** Finds the longest prefix of an address, which becomes `prefix`. */
static __always_inline struct prefix_entry *find_prefix(__be32 address, struct prefix *prefix)
{
	__u32 only = 0;
	struct prefix_lengths *known = bpf_map_lookup_elem(&flannel_lengths, &only);

	if (!known)
		return NULL;
#pragma unroll
	for (int index = 0; index < PREFIX_LENGTHS; index++) {
		__u32 length = known->lengths[index];
		struct prefix_entry *entry;

		if (length == 0)
			return NULL;
		prefix->length = length;
		prefix->network = bpf_ntohl(address) >> (32 - length) << (32 - length);
		entry = bpf_map_lookup_elem(&flannel_prefix, prefix);
		if (entry)
			return entry;
	}
	return NULL;
}
