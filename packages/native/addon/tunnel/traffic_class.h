#pragma once

#include <cstdint>

#include "address.h"

namespace flannel::tunnel {

/*
 * The traffic class of a packet: six bits of DSCP (RFC 2474), two of ECN (RFC 3168). IPv4 calls the byte type of service.
 */

enum class Ecn : std::uint8_t { notEct = 0, ect1 = 1, ect0 = 2, ce = 3 };
inline constexpr std::uint8_t ecnMask = 3;

inline Ecn ecnOf(std::uint8_t trafficClass) { return static_cast<Ecn>(trafficClass & ecnMask); }

/** What a tunnel's outer header says. */
enum class OuterClass : std::uint8_t {
  /** Nothing, as upstream. */
  zero,
  /** What the inner one says: RFC 2983's uniform DSCP; ECN only to peers that read it (RFC 6040, section 4.3). */
  inherit,
};

/** Of an IPv4 or IPv6 packet. */
std::uint8_t trafficClassOf(const std::uint8_t* packet, Family family);

/**
 * Combines the ECN fields of an arriving packet as RFC 6040, section 4.2 has it, and corrects the inner one with its
 * checksum; false when the packet must be dropped: its path is congested, and its sender does not know of marks.
 */
bool combineEcn(std::uint8_t* packet, Family family, Ecn outer);

}  // namespace flannel::tunnel
