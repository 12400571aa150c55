#pragma once

#include <utility>

#include "context.h"
#include "packet_threads.h"
#include "receiver.h"
#include "transmitter.h"

namespace flannel::tunnel {

/** A TUN device, a UDP socket and the threads between them. Used by one thread. */
class Tunnel {
 public:
  /** Opens both and starts. @throws std::system_error */
  Tunnel(const TunnelOptions& options, PacketThreads::OnFailure onFailure)
      : context_(options), threads_(context_, transmitter_, receiver_, std::move(onFailure)) {}

  const TunDevice& device() const { return context_.tun; }
  const UdpSocket& socket() const { return context_.socket; }
  RouteTable& routes() { return context_.routes; }
  LocalSubnets& local() { return context_.local; }
  const Traffic& sent() const { return transmitter_.traffic(); }
  const Traffic& received() const { return receiver_.traffic(); }

  std::uint64_t drops(Drop reason) const {
    const std::uint64_t byKernel = reason == Drop::socketFull ? context_.socket.overruns() : 0;
    return transmitter_.drops().get(reason) + receiver_.drops().get(reason) + byKernel;
  }

  /** Ends the threads, within the time that a burst of packets takes. Idempotent. */
  void close() { threads_.stop(); }

 private:
  Context context_;
  Transmitter transmitter_{context_};
  Receiver receiver_{context_};
  PacketThreads threads_;
};

}  // namespace flannel::tunnel
