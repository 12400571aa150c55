#include "receive_buffer.h"

#include <netinet/in.h>

#include <cstring>

namespace flannel::tunnel {

ReceiveBuffer::ReceiveBuffer(std::size_t capacity) : data_(capacity * stride), slots_(capacity), headers_(capacity) {}

int ReceiveBuffer::receive(int fd) {
  for (std::size_t index = 0; index < slots_.size(); index++) {
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
  return ::recvmmsg(fd, headers_.data(), static_cast<unsigned>(headers_.size()), 0, nullptr);
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
