#pragma once

#include <array>
#include <cstddef>
#include <cstdint>

#include "traffic.h"

namespace flannel::tunnel {

/** Why a packet was not carried. The order is that of `dropReasons` in packet-tunnel.ts. */
enum class Drop : std::uint8_t {
  /** No IPv4 or IPv6 packet, or truncated. */
  malformed,
  /** To the network: no peer has the destination. */
  noRoute,
  /** Time to live or hop limit ran out. */
  hopsExceeded,
  /** To the network: does not fit the path to the peer, and must not be fragmented. */
  tooBig,
  /** To the network: the socket refused it. */
  sendFailed,
  /** From the network: the datagram arrived on another interface than the underlay. */
  wrongInterface,
  /** From the network: no peer has the inner source address. */
  unknownSource,
  /** From the network: the inner source address belongs to another peer than the one it came from. */
  wrongPeer,
  /** From the network: the inner destination address is not in a subnet of this host. */
  notOurs,
  /** From the network: the path marked it as congested (RFC 6040), and its sender does not know of marks. */
  congestion,
  /** From the network: its sender left checksum or segmentation to a network card, and it cannot be completed. */
  unfinished,
  /** From the network: the TUN device refused it, for example because it is down. */
  deviceRefused,
  /** From the network: datagrams came faster than they were read, and the kernel dropped them. */
  socketFull,
};

inline constexpr std::size_t dropReasons = 13;

class DropCounts {
 public:
  void add(Drop reason, std::uint64_t packets = 1) { counts_[static_cast<std::size_t>(reason)].add(packets); }
  std::uint64_t get(Drop reason) const { return counts_[static_cast<std::size_t>(reason)].get(); }

 private:
  std::array<Count, dropReasons> counts_;
};

}  // namespace flannel::tunnel
