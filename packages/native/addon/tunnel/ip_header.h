#pragma once

#include <cstdint>
#include <optional>
#include <span>

#include "address.h"

namespace flannel::tunnel {

/** What forwarding needs to know of an IPv4 (RFC 791) or IPv6 (RFC 8200) packet. */
struct IpHeader {
  Address source;
  Address destination;
  /** Bytes before the payload: IPv4 with its options; for IPv6 the 40 bytes without extension headers. */
  std::uint16_t length;
  /** Bytes of the packet according to its header: never more than there are. */
  std::uint32_t totalLength;
  /** IPv4 protocol or IPv6 next header. */
  std::uint8_t protocol;
  /** Time to live or hop limit. */
  std::uint8_t hops;
  /** IPv4: DF. IPv6 packets are never fragmented on their way, so it is true. */
  bool dontFragment;
  /** IPv4: a fragment, whichever. */
  bool fragment;
  /** IPv4: a fragment that is not the first. */
  bool laterFragment;
};

constexpr std::uint16_t ipv4HeaderLength = 20;
constexpr std::uint16_t ipv6HeaderLength = 40;

/** Reads the header of a packet, or nothing when it is truncated or contradicts itself. */
std::optional<IpHeader> parseIpHeader(std::span<const std::uint8_t> packet);

/** Takes one off the time to live or hop limit, which must not be zero, and mends the IPv4 header checksum. */
void decrementHops(std::uint8_t* packet, Family family);

}  // namespace flannel::tunnel
