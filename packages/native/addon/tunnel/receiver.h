#pragma once

#include <cstddef>
#include <cstdint>
#include <deque>
#include <span>

#include "batch.h"
#include "cache_line.h"
#include "context.h"
#include "drops.h"
#include "flow_hash.h"
#include "icmp_reporter.h"
#include "lane.h"
#include "traffic.h"
#include "underlay.h"

namespace flannel::tunnel {

/**
 * The work from the network to the lanes, for one thread at a time. With several lanes, their threads write while this one
 * receives; the packets of a flow take the same lane, so that they keep their order.
 */
class alignas(cacheLine) Receiver {
 public:
  Receiver(Context& context, std::deque<Lane>& lanes);

  /**
   * Receives packets and delivers them; false when there are no more for now.
   * @throws std::system_error when the socket fails for good.
   */
  bool deliverBurst();

  /** What was taken for delivery. */
  const Traffic& taken() const { return taken_; }
  const DropCounts& drops() const { return drops_; }

 private:
  /** Takes what is in a message; every datagram in it came from one sender over one interface. */
  void takeMessage(Batch& batch, std::size_t index);
  /** @param segmentSize what the kernel reported about a UDP super-packet, otherwise 0. */
  void take(Batch& batch, std::span<std::uint8_t> datagram, const Endpoint& sender, Ecn outer,
            std::size_t segmentSize = 0);
  /** The lane of a packet's flow. */
  std::size_t laneOf(std::span<const std::uint8_t> packet, const IpHeader& header) const;
  void reportHopsExceeded(std::span<const std::uint8_t> packet, const IpHeader& header, const Endpoint& to);
  /** Gives a batch to the lanes, or writes it when that takes less than to wake them. */
  void deliver(Batch& batch, bool few);
  /** Whether no lane has work. */
  bool lanesRest() const;

  Context& context_;
  std::deque<Lane>& lanes_;
  Underlay underlay_;
  std::deque<Batch> batches_;
  /** The next one to fill: they are used in turn. */
  std::size_t next_ = 0;
  FlowHash flowHash_;
  IcmpReporter icmp_;
  Traffic taken_;
  DropCounts drops_;
};

}  // namespace flannel::tunnel
