#include "udp_socket.h"

#include "system_error.h"

namespace flannel::tunnel {

UdpSocket::UdpSocket(const Endpoint& local)
    : fd_(checked(::socket(local.data()->sa_family, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0),
                  "open the UDP socket")) {
  checked(::bind(fd(), local.data(), local.size()), "bind the UDP socket");
}

Endpoint UdpSocket::local() const {
  Endpoint endpoint;
  socklen_t size = Endpoint::capacity;
  checked(::getsockname(fd(), endpoint.data(), &size), "read the address of the UDP socket");
  return endpoint;
}

}  // namespace flannel::tunnel
