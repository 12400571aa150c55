#include "receive_buffer.h"

#include <netinet/in.h>

#include <algorithm>
#include <cstring>

namespace flannel::tunnel {

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

std::size_t ReceiveBuffer::segmentSize(msghdr& message) {
  for (cmsghdr* control = CMSG_FIRSTHDR(&message); control; control = CMSG_NXTHDR(&message, control)) {
    if (control->cmsg_level != SOL_UDP || control->cmsg_type != UDP_GRO) continue;
    int size;
    std::memcpy(&size, CMSG_DATA(control), sizeof size);
    if (size > 0) return static_cast<std::size_t>(size);
  }
  return largestMessage;
}

}  // namespace flannel::tunnel
