#pragma once

#include <deque>
#include <optional>
#include <utility>

#include "context.h"
#include "lane.h"
#include "packet_threads.h"
#include "receiver.h"
#include "transmitter.h"

namespace flannel::tunnel {

/** A TUN device, a UDP socket and the threads between them. Used by one thread. */
class Tunnel {
 public:
  /** Opens both and starts. @throws std::system_error */
  Tunnel(const TunnelOptions& options, PacketThreads::OnFailure onFailure)
      : context_(options) {
    for (std::size_t lane = 0; lane < context_.lanes; lane++) lanes_.emplace_back(context_, lane);
    for (std::size_t queue = 0; queue < context_.tun.queues(); queue++) transmitters_.emplace_back(context_, queue);
    receiver_.emplace(context_, lanes_);
    threads_.emplace(context_, transmitters_, *receiver_, lanes_, std::move(onFailure));
  }

  const TunDevice& device() const { return context_.tun; }
  const UdpSocket& socket() const { return context_.socket; }
  RouteTable& routes() { return context_.routes; }
  LocalSubnets& local() { return context_.local; }
  Amount sent() const {
    Amount sum;
    for (const Transmitter& transmitter : transmitters_) transmitter.traffic().addTo(sum);
    return sum;
  }

  Amount received() const {
    Amount sum;
    for (const Lane& lane : lanes_) lane.writer().traffic().addTo(sum);
    return sum;
  }

  std::uint64_t drops(Drop reason) const {
    std::uint64_t sum = receiver_->drops().get(reason);
    for (const Transmitter& transmitter : transmitters_) sum += transmitter.drops().get(reason);
    for (const Lane& lane : lanes_) sum += lane.writer().drops().get(reason);
    return sum + (reason == Drop::socketFull ? context_.socket.overruns() : 0);
  }

  /** Ends the threads, within the time that a burst of packets takes. Idempotent. */
  void close() { threads_->stop(); }

 private:
  Context context_;
  std::deque<Transmitter> transmitters_;
  std::deque<Lane> lanes_;
  std::optional<Receiver> receiver_;
  std::optional<PacketThreads> threads_;
};

}  // namespace flannel::tunnel
