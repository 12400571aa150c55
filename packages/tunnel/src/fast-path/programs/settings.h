// SPDX-License-Identifier: MIT OR GPL-2.0-only
#pragma once

#include "ports.h"

/** What flannel_rx inserts behind the outer headers: VXLAN (8 bytes) and Ethernet (14). */
#define INSERTED_BYTES 22

/** Constants of this tunnel. Addresses and ports are in network byte order. */
struct settings {
	/** Where the tunnel's socket is bound. */
	__be32 local_address;
	__be16 local_port;
	/** UDP port of the decapsulating device. */
	__be16 decapsulation_port;
	__u32 tun_index;
	/** The traffic control index of packets that flannel_rx has checked. */
	__u16 mark;
	/** From which ports packets go to peers that have a range of their own. */
	struct port_range source_ports;
	/** Whether outer headers say in DSCP and ECN what inner ones say. */
	__u16 inherit_tos;
	/** In words, since every word of the packet is written at once. */
	__u16 inserted[INSERTED_BYTES / 2];
};

/** Set before the programs are loaded, and constant from then on. */
extern const volatile struct settings settings;

static __always_inline struct port_range own_source_ports(void)
{
	return (struct port_range){
		.first = settings.source_ports.first,
		.last = settings.source_ports.last,
	};
}
