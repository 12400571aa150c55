#pragma once

#include <netinet/in.h>
#include <sys/socket.h>

#include <cstdint>

#include "address.h"

namespace flannel::tunnel {

/** A socket address of either family, in the form that system calls take. */
class Endpoint {
 public:
  Endpoint() : any_{} {}
  Endpoint(const Address& address, std::uint16_t port);

  Family family() const { return any_.sin6_family == AF_INET6 ? Family::ipv6 : Family::ipv4; }
  Address address() const;
  std::uint16_t port() const { return ntohs(any_.sin6_port); }

  bool operator==(const Endpoint& other) const;

  // For system calls that read it, and for those that fill it in.
  const sockaddr* data() const { return reinterpret_cast<const sockaddr*>(&any_); }
  sockaddr* data() { return reinterpret_cast<sockaddr*>(&any_); }
  socklen_t size() const { return any_.sin6_family == AF_INET6 ? sizeof(sockaddr_in6) : sizeof(sockaddr_in); }
  static constexpr socklen_t capacity = sizeof(sockaddr_in6);

 private:
  // Family and port stand at the same place in sockaddr_in; its address takes the place of sin6_flowinfo.
  sockaddr_in6 any_;
};

/** UDP ports; both 0 when there are none. */
struct PortRange {
  std::uint16_t first = 0;
  std::uint16_t last = 0;

  bool contains(std::uint16_t port) const { return last != 0 && first <= port && port <= last; }
};

}  // namespace flannel::tunnel
