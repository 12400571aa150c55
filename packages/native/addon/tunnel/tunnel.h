#pragma once

#include <exception>
#include <functional>
#include <thread>

#include "context.h"
#include "receiver.h"
#include "transmitter.h"

namespace flannel::tunnel {

/** A TUN device, a UDP socket and the two threads between them. Used by one thread. */
class Tunnel {
 public:
  using OnFailure = std::function<void(const std::exception&)>;

  /**
   * Opens both and starts; the threads belong to the network namespace of the calling thread.
   * @param onFailure called on a packet thread when that has ended with an error.
   * @throws std::system_error
   */
  Tunnel(const TunnelOptions& options, OnFailure onFailure);
  ~Tunnel() { close(); }

  const TunDevice& device() const { return context_.tun; }
  const UdpSocket& socket() const { return context_.socket; }
  RouteTable& routes() { return context_.routes; }
  LocalSubnets& local() { return context_.local; }
  const Traffic& sent() const { return transmitter_.traffic(); }
  const Traffic& received() const { return receiver_.traffic(); }
  std::uint64_t drops(Drop reason) const;

  /** Ends both threads, within the time that a burst of packets takes. Idempotent. */
  void close();

 private:
  template <typename Direction>
  std::thread start(const char* name, Direction& direction);

  Context context_;
  OnFailure onFailure_;
  Transmitter transmitter_{context_};
  Receiver receiver_{context_};
  std::thread transmitting_;
  std::thread receiving_;
};

}  // namespace flannel::tunnel
