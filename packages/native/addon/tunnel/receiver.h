#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

#include "coalescer.h"
#include "context.h"
#include "drops.h"
#include "icmp_reporter.h"
#include "receive_buffer.h"
#include "underlay.h"

namespace flannel::tunnel {

/** The work from the network to the TUN device, for one thread at a time. */
class Receiver {
 public:
  explicit Receiver(Context& context);

  /**
   * Receives packets and delivers them; false when there are no more for now.
   * @throws std::system_error when the socket fails for good.
   */
  bool deliverBurst();

  const Traffic& traffic() const { return traffic_; }
  const DropCounts& drops() const { return drops_; }

 private:
  /** Delivers what is in a message; every datagram in it came from one sender over one interface. */
  void deliverMessage(std::size_t index);
  void deliver(std::span<std::uint8_t> datagram, const Endpoint& sender);
  void reportHopsExceeded(std::span<const std::uint8_t> packet, const IpHeader& header, const Endpoint& sender);
  void write(const Coalescer::Item& item);

  Context& context_;
  Underlay underlay_;
  ReceiveBuffer buffer_;
  Coalescer coalescer_;
  IcmpReporter icmp_;
  Traffic traffic_;
  DropCounts drops_;
};

}  // namespace flannel::tunnel
