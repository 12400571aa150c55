#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

#include "ip_header.h"

namespace flannel::tunnel {

/** The transport header of a packet, as far as merging needs it. */
struct TransportHeader {
  enum class Kind : std::uint8_t { other, tcp, udp };

  /** `other` also for fragments, and for what hides behind IPv6 extension headers. */
  Kind kind = Kind::other;
  /** Source and destination port as they stand in the packet; zero for `other`. */
  std::uint32_t ports = 0;
  /** May be merged with its neighbours: TCP data without SYN, FIN, RST, URG, ECE, CWR; UDP with a checksum; no IP options. */
  bool mergeable = false;
  /** TCP: nothing can be merged behind it. */
  bool push = false;
  std::uint32_t sequence = 0;
  /** IP and transport headers. */
  std::size_t headerLength = 0;
  std::size_t payload = 0;
};

TransportHeader parseTransportHeader(std::span<const std::uint8_t> packet, const IpHeader& ip);

/** Whether both headers are equal in everything that segmentation copies. The addresses and ports must be equal. */
bool headersMatch(std::span<const std::uint8_t> first, std::span<const std::uint8_t> next, const IpHeader& ip,
                  const TransportHeader& transport);

/** Whether the checksums of the IPv4 header and of TCP or UDP are right. */
bool checksumsValid(std::span<const std::uint8_t> packet, const IpHeader& ip);

}  // namespace flannel::tunnel
