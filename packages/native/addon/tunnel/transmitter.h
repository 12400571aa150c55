#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "context.h"
#include "drops.h"
#include "icmp.h"
#include "rate_limit.h"

namespace flannel::tunnel {

/** The thread's work from the TUN device to the network. */
class Transmitter {
 public:
  explicit Transmitter(Context& context);

  /** Runs until the stop signal. @throws std::system_error when the device is gone. */
  void run();

  const Traffic& traffic() const { return traffic_; }
  const DropCounts& drops() const { return drops_; }

 private:
  bool readPacket();
  void forward(std::span<std::uint8_t> packet);
  void send(std::span<const std::uint8_t> packet, const Route& route);
  void refuse(Drop reason, IcmpError error, std::span<const std::uint8_t> packet, const IpHeader& header);

  Context& context_;
  std::vector<std::uint8_t> buffer_;
  RateLimit icmpLimit_{1000, 100};
  Traffic traffic_;
  DropCounts drops_;
};

}  // namespace flannel::tunnel
