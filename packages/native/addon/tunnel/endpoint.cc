#include "endpoint.h"

#include <cstddef>
#include <cstring>

#include "byte_order.h"

namespace flannel::tunnel {

static_assert(offsetof(sockaddr_in, sin_port) == offsetof(sockaddr_in6, sin6_port));
static_assert(offsetof(sockaddr_in, sin_addr) == offsetof(sockaddr_in6, sin6_flowinfo));

Endpoint::Endpoint(const Address& address, std::uint16_t port) : any_{} {
  any_.sin6_port = htons(port);
  if (address.family == Family::ipv4) {
    any_.sin6_family = AF_INET;
    any_.sin6_flowinfo = htonl(static_cast<std::uint32_t>(address.bits.high >> 32));
    return;
  }
  any_.sin6_family = AF_INET6;
  store64(any_.sin6_addr.s6_addr, address.bits.high);
  store64(any_.sin6_addr.s6_addr + 8, address.bits.low);
}

Address Endpoint::address() const {
  if (family() == Family::ipv4) {
    return {Family::ipv4, {std::uint64_t{ntohl(any_.sin6_flowinfo)} << 32, 0}};
  }
  return {Family::ipv6, {load64(any_.sin6_addr.s6_addr), load64(any_.sin6_addr.s6_addr + 8)}};
}

bool Endpoint::operator==(const Endpoint& other) const {
  if (any_.sin6_family != other.any_.sin6_family || any_.sin6_port != other.any_.sin6_port) return false;
  if (family() == Family::ipv4) return any_.sin6_flowinfo == other.any_.sin6_flowinfo;
  return std::memcmp(&any_.sin6_addr, &other.any_.sin6_addr, sizeof any_.sin6_addr) == 0;
}

}  // namespace flannel::tunnel
