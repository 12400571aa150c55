#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "cache_line.h"
#include "context.h"
#include "drops.h"
#include "icmp_reporter.h"
#include "offload.h"
#include "raw_socket.h"
#include "send_queue.h"

namespace flannel::tunnel {

/** The work from the TUN device to the network, for one thread at a time. */
class alignas(cacheLine) Transmitter final : private SendListener {
 public:
  /** @param lane number of the queue of the TUN device. */
  Transmitter(Context& context, std::size_t lane);

  /** The queue: readable when there are packets. */
  int fd() const { return context_.tun.fd(lane_); }

  /**
   * Reads packets and sends them; false when there are no more for now.
   * @throws std::system_error when the device is gone.
   */
  bool forwardBurst();

  const Traffic& traffic() const { return traffic_; }
  const DropCounts& drops() const { return drops_; }

 private:
  /** Reads one packet to the front of `buffer` and queues it; returns its size, 0 when there is none. */
  std::size_t forwardNext(std::span<std::uint8_t> buffer);
  void forward(const OffloadHeader& offload, std::span<std::uint8_t> packet);
  void queue(const OffloadHeader& offload, std::span<std::uint8_t> packet, const IpHeader& header, const Route& route);

  /** The traffic class of the outer header. */
  std::uint8_t outerClassOf(std::span<const std::uint8_t> packet, const IpHeader& header, const Route& route) const;

  void onSent(const Route& route, std::uint32_t packets, std::uint32_t bytes) override;
  void onRefused(const Route& route, const Segment& packet, int errorNumber) override;
  void onTooBig(const Route& route, const Segment& segment);
  /** The largest packet that fits the path to a peer, which one of `refused` bytes did not; remembered for a moment. */
  std::uint32_t pathMtu(const Route& route, std::size_t refused);
  /** Whether this is the first segment to be reported of what was read from the device at once; it is marked. */
  bool isFirstReport(const Segment& segment);
  void refuse(Drop reason, IcmpError error, std::span<const std::uint8_t> packet, const IpHeader& header);
  void report(IcmpError error, std::span<const std::uint8_t> packet, const IpHeader& header, std::uint32_t mtu = 0);

  Context& context_;
  const std::size_t lane_;
  /** Packets of one burst lie here one after another until they are sent. */
  std::vector<std::uint8_t> buffer_;
  std::size_t burst_;
  /** A packet of this burst as it was read, which segments are parts of. */
  struct Read {
    std::span<const std::uint8_t> packet;
    bool reported;
  };
  std::vector<Read> reads_;
  SendQueue sending_;
  IcmpReporter icmp_;
  RawSocket toSender_;
  Traffic traffic_;
  DropCounts drops_;
};

}  // namespace flannel::tunnel
