#include "raw_socket.h"

#include <netinet/in.h>
#include <sys/socket.h>

#include "endpoint.h"

namespace flannel::tunnel {
namespace {

/** IPPROTO_RAW: packets bring their own header, and none are received. */
FileDescriptor openRaw(int family) {
  return FileDescriptor(::socket(family, SOCK_RAW | SOCK_CLOEXEC | SOCK_NONBLOCK, IPPROTO_RAW));
}

}  // namespace

RawSocket::RawSocket() : ipv4_(openRaw(AF_INET)), ipv6_(openRaw(AF_INET6)) {}

void RawSocket::send(std::span<const std::uint8_t> packet, const Address& destination) const {
  const FileDescriptor& socket = destination.family == Family::ipv4 ? ipv4_ : ipv6_;
  const Endpoint to(destination, 0);
  // An error message that is lost is no worse than any other packet that is.
  (void)!::sendto(socket.get(), packet.data(), packet.size(), 0, to.data(), to.size());
}

}  // namespace flannel::tunnel
