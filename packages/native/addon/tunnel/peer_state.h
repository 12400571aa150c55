#pragma once

#include <chrono>
#include <cstdint>

#include "traffic.h"

namespace flannel::tunnel {

/** What was learned of the path to a peer. For the thread that transmits. */
struct PeerPath {
  using Clock = std::chrono::steady_clock;

  /** The largest inner packet that fits, valid until then. */
  std::uint32_t mtu = 0;
  Clock::time_point mtuUntil{};
};

/** What the packet threads keep for a peer, each direction on a cache line of its own because two threads may write them. */
struct PeerState {
  alignas(64) Traffic sent;
  PeerPath path;
  alignas(64) Traffic received;
};

}  // namespace flannel::tunnel
