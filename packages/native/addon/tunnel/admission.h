#pragma once

#include <cstdint>
#include <optional>
#include <span>

#include "drops.h"
#include "ip_header.h"
#include "local_subnets.h"
#include "route_table.h"

namespace flannel::tunnel {

/** Whom packets are taken from. */
enum class Accept : std::uint8_t {
  /** A packet's inner source must belong to the peer that it came from, and its inner destination to this host. */
  peers,
  /** Everybody, as upstream does. */
  any,
};

/** The decision about a packet from the network. */
struct Admission {
  /** Nothing when the packet is to be delivered. */
  std::optional<Drop> refused{};
  /** The packet without what follows its end. Not valid for a malformed one, like the header. */
  std::span<std::uint8_t> packet{};
  IpHeader header{};
  /** The peer that it came from, or null when that is none. */
  const Route* route = nullptr;
};

/** Decides about one datagram. The caller holds an {@link Epochs::Guard}. */
Admission admit(std::span<std::uint8_t> datagram, const Endpoint& sender, Accept accept, const RouteTable& routes,
                const LocalSubnets& local);

}  // namespace flannel::tunnel
