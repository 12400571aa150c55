#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

#include "cache_line.h"
#include "coalescer.h"
#include "context.h"
#include "drops.h"
#include "icmp_reporter.h"
#include "receive_buffer.h"
#include "underlay.h"

namespace flannel::tunnel {

/** The work from the network to the TUN device, for one thread at a time. */
class alignas(cacheLine) Receiver {
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
  /** @param segmentSize what the kernel reported about a UDP super-packet, otherwise 0. */
  void deliver(std::span<std::uint8_t> datagram, const Endpoint& sender, Ecn outer, std::size_t segmentSize = 0);
  void complete(std::span<std::uint8_t> packet, const IpHeader& header, const Route* route, std::size_t segmentSize);
  /** Cuts a super-packet that the device does not take, and writes the pieces behind what came before. */
  void writeInPieces(std::span<std::uint8_t> packet, const IpHeader& header, const Route* route,
                     const OffloadHeader& offload);
  void reportHopsExceeded(std::span<const std::uint8_t> packet, const IpHeader& header, const Endpoint& sender);
  /** Writes everything that was delivered so far. */
  void flush();
  /** Writes one packet, or several in one, whose parts begin with an offload header. */
  void write(std::span<const iovec> parts, const Route* route, std::uint32_t packets, std::uint32_t bytes);

  Context& context_;
  Underlay underlay_;
  ReceiveBuffer buffer_;
  Coalescer coalescer_;
  IcmpReporter icmp_;
  Traffic traffic_;
  DropCounts drops_;
};

}  // namespace flannel::tunnel
