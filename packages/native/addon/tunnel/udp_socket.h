#pragma once

#include <cstdint>
#include <mutex>
#include <span>

#include "endpoint.h"
#include "file_descriptor.h"

namespace flannel::tunnel {

/** A bound UDP socket that never blocks, and never fragments unless it is told to. */
class UdpSocket {
 public:
  /** @throws std::system_error */
  UdpSocket(const Endpoint& local, bool offloads);

  int fd() const { return fd_.get(); }
  /** The address it is bound to; the port is the one that the kernel chose for port 0. */
  Endpoint local() const;

  /** The kernel cuts one message into datagrams of one size (UDP_SEGMENT). */
  bool segmentation() const { return segmentation_; }
  /** The kernel joins datagrams of one size and sender into one message (UDP_GRO). */
  bool coalescing() const { return coalescing_; }

  /** Datagrams that the kernel dropped because nobody read them in time. */
  std::uint32_t overruns() const;

  using Bytes = std::span<const std::uint8_t>;
  /** Sends one datagram; returns 0 or the error number. */
  int send(Bytes header, Bytes payload, const Endpoint& to, std::uint8_t trafficClass = 0) const;
  /** The same, and lets this host and routers cut it. */
  int sendFragmentable(Bytes datagram, const Endpoint& to, std::uint8_t trafficClass) const;

  /** The largest packet with its IP header that fits the path to a peer as far as it is known, or 0. */
  std::uint32_t pathMtu(const Endpoint& to) const;
  /** IP and UDP headers of a datagram. */
  std::uint32_t overhead() const;

 private:
  /** Messages say which interface they arrived on, and their traffic class. */
  void reportArrivals() const;
  void setFragmentable(bool fragmentable) const;

  FileDescriptor fd_;
  mutable std::mutex fragmentable_;
  Family family_;
  bool segmentation_ = false;
  bool coalescing_ = false;
};

}  // namespace flannel::tunnel
