#include "receive_buffer.h"

#include <algorithm>
#include <cstring>

namespace flannel::tunnel {
namespace {

template <typename T>
T valueOf(const cmsghdr& control) {
  T value;
  std::memcpy(&value, CMSG_DATA(&control), sizeof value);
  return value;
}

}  // namespace

ReceiveBuffer::ReceiveBuffer(std::size_t capacity)
    : data_(capacity * stride), slots_(capacity), headers_(capacity), limit_(capacity) {}

int ReceiveBuffer::receive(int fd) {
  for (std::size_t index = 0; index < limit_; index++) {
    Slot& slot = slots_[index];
    slot.part = {dataOf(index), largestMessage};
    msghdr& message = headers_[index].msg_hdr;
    message.msg_name = slot.sender.data();
    message.msg_namelen = Endpoint::capacity;
    message.msg_iov = &slot.part;
    message.msg_iovlen = 1;
    message.msg_control = slot.control.data();
    message.msg_controllen = slot.control.size();
  }
  const int messages = ::recvmmsg(fd, headers_.data(), static_cast<unsigned>(limit_), 0, nullptr);
  if (messages > 0) adapt({headers_.data(), static_cast<std::size_t>(messages)});
  return messages;
}

void ReceiveBuffer::adapt(std::span<const mmsghdr> messages) {
  std::size_t bytes = 1;
  for (const mmsghdr& message : messages) bytes += message.msg_len;
  limit_ = std::clamp<std::size_t>(bytesPerCall * messages.size() / bytes, 1, slots_.size());
}

Arrival ReceiveBuffer::arrival(std::size_t index) {
  msghdr& message = headers_[index].msg_hdr;
  Arrival arrival{.segmentSize = largestMessage};
  for (cmsghdr* control = CMSG_FIRSTHDR(&message); control; control = CMSG_NXTHDR(&message, control)) {
    const auto is = [&](int level, int type) { return control->cmsg_level == level && control->cmsg_type == type; };
    if (is(SOL_UDP, UDP_GRO)) {
      const auto size = valueOf<int>(*control);
      if (size > 0) arrival.segmentSize = static_cast<std::size_t>(size);
    } else if (is(SOL_IP, IP_PKTINFO)) {
      arrival.interface = valueOf<in_pktinfo>(*control).ipi_ifindex;
    } else if (is(SOL_IPV6, IPV6_PKTINFO)) {
      arrival.interface = static_cast<int>(valueOf<in6_pktinfo>(*control).ipi6_ifindex);
    } else if (is(SOL_IP, IP_TOS)) {
      arrival.ecn = ecnOf(valueOf<std::uint8_t>(*control));
    } else if (is(SOL_IPV6, IPV6_TCLASS)) {
      arrival.ecn = ecnOf(static_cast<std::uint8_t>(valueOf<int>(*control)));
    }
  }
  return arrival;
}

}  // namespace flannel::tunnel
