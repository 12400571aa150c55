#include "udp_socket.h"

#include <linux/sock_diag.h>
#include <netinet/in.h>
#include <netinet/udp.h>
#include <sys/uio.h>

#include <array>
#include <cerrno>

#include "send_control.h"
#include "system_error.h"

namespace flannel::tunnel {
namespace {

bool set(int fd, int level, int option, int value) {
  return ::setsockopt(fd, level, option, &value, sizeof value) == 0;
}

/** Some dozens of super-packets: bridges the time until a thread gets a processor, and adds little delay under load. */
constexpr int bufferBytes = 4 * 1024 * 1024;

/** Beyond rmem_max and wmem_max where the process may. */
void setBuffers(int fd) {
  if (!set(fd, SOL_SOCKET, SO_RCVBUFFORCE, bufferBytes)) set(fd, SOL_SOCKET, SO_RCVBUF, bufferBytes);
  if (!set(fd, SOL_SOCKET, SO_SNDBUFFORCE, bufferBytes)) set(fd, SOL_SOCKET, SO_SNDBUF, bufferBytes);
}

}  // namespace

UdpSocket::UdpSocket(const Endpoint& local, bool offloads)
    : fd_(checked(::socket(local.data()->sa_family, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0),
                  "open the UDP socket")),
      family_(local.family()) {
  if (family_ == Family::ipv6) set(fd(), SOL_IPV6, IPV6_V6ONLY, 1);
  setFragmentable(false);
  reportArrivals();
  checked(::bind(fd(), local.data(), local.size()), "bind the UDP socket");
  if (!offloads) return;
  setBuffers(fd());
  int segmentSize;
  socklen_t size = sizeof segmentSize;
  segmentation_ = ::getsockopt(fd(), SOL_UDP, UDP_SEGMENT, &segmentSize, &size) == 0;
  coalescing_ = set(fd(), SOL_UDP, UDP_GRO, 1);
}

void UdpSocket::reportArrivals() const {
  if (family_ == Family::ipv4) {
    set(fd(), SOL_IP, IP_PKTINFO, 1);
    set(fd(), SOL_IP, IP_RECVTOS, 1);
  } else {
    set(fd(), SOL_IPV6, IPV6_RECVPKTINFO, 1);
    set(fd(), SOL_IPV6, IPV6_RECVTCLASS, 1);
  }
}

Endpoint UdpSocket::local() const {
  Endpoint endpoint;
  socklen_t size = Endpoint::capacity;
  checked(::getsockname(fd(), endpoint.data(), &size), "read the address of the UDP socket");
  return endpoint;
}

std::uint32_t UdpSocket::overruns() const {
  std::array<std::uint32_t, SK_MEMINFO_VARS> information{};
  socklen_t size = sizeof information;
  ::getsockopt(fd(), SOL_SOCKET, SO_MEMINFO, information.data(), &size);
  return information[SK_MEMINFO_DROPS];
}

int UdpSocket::send(Bytes header, Bytes payload, const Endpoint& to, std::uint8_t trafficClass) const {
  iovec parts[] = {{const_cast<std::uint8_t*>(header.data()), header.size()},
                   {const_cast<std::uint8_t*>(payload.data()), payload.size()}};
  msghdr message{};
  message.msg_name = const_cast<sockaddr*>(to.data());
  message.msg_namelen = to.size();
  message.msg_iov = parts;
  message.msg_iovlen = 2;
  SendControl control;
  control.setTrafficClass(trafficClass, to.family());
  control.attachTo(message);
  return ::sendmsg(fd(), &message, 0) < 0 ? errno : 0;
}

int UdpSocket::sendFragmentable(Bytes datagram, const Endpoint& to, std::uint8_t trafficClass) const {
  // IPv4 has no flag for one datagram. Another thread's datagram that does not fit may be cut meanwhile, which harms nothing.
  const std::lock_guard lock(fragmentable_);
  setFragmentable(true);
  const int error = send(datagram, {}, to, trafficClass);
  setFragmentable(false);
  return error;
}

void UdpSocket::setFragmentable(bool fragmentable) const {
  if (family_ == Family::ipv4) {
    set(fd(), SOL_IP, IP_MTU_DISCOVER, fragmentable ? IP_PMTUDISC_DONT : IP_PMTUDISC_DO);
  } else {
    set(fd(), SOL_IPV6, IPV6_MTU_DISCOVER, fragmentable ? IPV6_PMTUDISC_DONT : IPV6_PMTUDISC_DO);
  }
}

std::uint32_t UdpSocket::pathMtu(const Endpoint& to) const {
  // Only a connected socket knows it.
  const FileDescriptor probe(::socket(to.data()->sa_family, SOCK_DGRAM | SOCK_CLOEXEC, 0));
  const bool v4 = family_ == Family::ipv4;
  int mtu = 0;
  socklen_t size = sizeof mtu;
  if (::connect(probe.get(), to.data(), to.size()) != 0) return 0;
  if (::getsockopt(probe.get(), v4 ? SOL_IP : SOL_IPV6, v4 ? IP_MTU : IPV6_MTU, &mtu, &size) != 0) return 0;
  return static_cast<std::uint32_t>(mtu);
}

std::uint32_t UdpSocket::overhead() const { return (family_ == Family::ipv4 ? 20 : 40) + 8; }

}  // namespace flannel::tunnel
