#pragma once

#include <span>

#include "address.h"
#include "file_descriptor.h"

namespace flannel::tunnel {

/**
 * Sends whole IP packets of this host. ICMP errors about packets from local containers take this way and not the TUN
 * device, because the kernel takes a packet that comes in with one of its own addresses as source for a forgery.
 */
class RawSocket {
 public:
  /** Needs CAP_NET_RAW; without it nothing is sent. */
  RawSocket();

  void send(std::span<const std::uint8_t> packet, const Address& destination) const;

 private:
  FileDescriptor ipv4_;
  FileDescriptor ipv6_;
};

}  // namespace flannel::tunnel
