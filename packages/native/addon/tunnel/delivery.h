#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

#include "ip_header.h"

namespace flannel::tunnel {

struct Route;

/** A packet from the network that is to be written to the TUN device. */
struct Delivery {
  std::span<std::uint8_t> packet;
  IpHeader header;
  /** The peer that it came from, or null when that is none. */
  const Route* route;
  /** What the kernel reported about a UDP super-packet, otherwise 0. */
  std::size_t segmentSize;
};

}  // namespace flannel::tunnel
