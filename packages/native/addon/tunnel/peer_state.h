#pragma once

#include <chrono>
#include <cstdint>
#include <vector>

#include "cache_line.h"
#include "traffic.h"

namespace flannel::tunnel {

/** What a lane has learned of the path to a peer. For the thread that transmits. */
struct PeerPath {
  using Clock = std::chrono::steady_clock;

  /** The largest inner packet that fits, valid until then. */
  std::uint32_t mtu = 0;
  Clock::time_point mtuUntil{};

  /** Whether a message to the peer may be one that the kernel cuts. */
  bool takesSegmentation() {
    if (segmentationRefusedUntil == Clock::time_point{}) return true;
    if (Clock::now() < segmentationRefusedUntil) return false;
    segmentationRefusedUntil = {};
    return true;
  }
  /** After the kernel refused to cut a message: packets go one by one for a while. */
  void refuseSegmentation() { segmentationRefusedUntil = Clock::now() + segmentationPause; }

  /** Costs a path that always refuses one refused message a second; a path that changed is soon used as it can be. */
  static constexpr auto segmentationPause = std::chrono::seconds(1);
  /** The epoch while it is not refused. */
  Clock::time_point segmentationRefusedUntil{};
};

/** What a lane keeps for a peer, each direction on a cache line of its own because two threads may write them. */
struct PeerState {
  alignas(cacheLine) Traffic sent;
  PeerPath path;
  alignas(cacheLine) Traffic received;
};
static_assert(sizeof(PeerState) == 2 * cacheLine);

/** By lane. */
using PeerStates = std::vector<PeerState>;

}  // namespace flannel::tunnel
