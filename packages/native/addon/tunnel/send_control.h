#pragma once

#include <netinet/in.h>
#include <netinet/udp.h>
#include <sys/socket.h>

#include <array>
#include <cstddef>
#include <cstdint>
#include <cstring>

#include "address.h"

namespace flannel::tunnel {

/** What a message says to the kernel beside its bytes (cmsg(3)). It must stay where it is until the message is sent. */
class SendControl {
 public:
  /** The traffic class of the outer header; zero is the socket's own. */
  void setTrafficClass(std::uint8_t trafficClass, Family family) {
    if (trafficClass == 0) return;
    const bool v4 = family == Family::ipv4;
    add(v4 ? SOL_IP : SOL_IPV6, v4 ? IP_TOS : IPV6_TCLASS, int{trafficClass});
  }

  /** The kernel cuts the message into datagrams of this size. */
  void setSegmentSize(std::uint16_t size) { add(SOL_UDP, UDP_SEGMENT, size); }

  void attachTo(msghdr& message) {
    if (size_ == 0) return;
    message.msg_control = bytes_.data();
    message.msg_controllen = size_;
  }

 private:
  template <typename T>
  void add(int level, int type, T value) {
    auto* control = reinterpret_cast<cmsghdr*>(bytes_.data() + size_);
    control->cmsg_level = level;
    control->cmsg_type = type;
    control->cmsg_len = CMSG_LEN(sizeof value);
    std::memcpy(CMSG_DATA(control), &value, sizeof value);
    size_ += CMSG_SPACE(sizeof value);
  }

  alignas(cmsghdr) std::array<std::uint8_t, CMSG_SPACE(sizeof(int)) + CMSG_SPACE(sizeof(std::uint16_t))> bytes_{};
  std::size_t size_ = 0;
};

}  // namespace flannel::tunnel
