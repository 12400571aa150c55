#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>

#include "ip_header.h"
#include "offload.h"

namespace flannel::tunnel {

/*
 * The kernel leaves checksums and segmentation to the network card. A packet that a peer's kernel encapsulated (its fast
 * path) and that passed no card, only virtual links, arrives as it was left: its checksum field holds the sum of the pseudo
 * header, and it may be a super-packet.
 */

/**
 * Whether the checksum of a TCP or UDP packet is the bare sum of its pseudo header. One of 65,536 complete checksums looks
 * the same; completing it changes nothing.
 */
bool hasPartialChecksum(std::span<const std::uint8_t> packet, const IpHeader& ip);

/**
 * How an unfinished packet is to be completed: its checksum, and how it is to be cut. Nothing when that cannot be known.
 * @param mtu larger packets must be super-packets.
 * @param segmentSize payload of each datagram of a UDP super-packet where the kernel reported it, otherwise 0: the borders of
 *   its datagrams are not in the packet.
 */
std::optional<OffloadHeader> completionOf(std::span<const std::uint8_t> packet, const IpHeader& ip, std::size_t mtu,
                                          std::size_t segmentSize);

}  // namespace flannel::tunnel
