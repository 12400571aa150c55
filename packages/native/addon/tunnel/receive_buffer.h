#pragma once

#include <netinet/udp.h>
#include <sys/socket.h>
#include <sys/uio.h>

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "endpoint.h"

namespace flannel::tunnel {

/** Messages of a UDP socket, several per system call, each of one datagram or of several that the kernel joined. */
class ReceiveBuffer {
 public:
  /** @param capacity messages in one system call. */
  explicit ReceiveBuffer(std::size_t capacity);

  /** Receives what is there, up to the capacity; returns the number of messages, or -1 with errno. */
  int receive(int fd);

  const Endpoint& sender(std::size_t index) const { return slots_[index].sender; }

  /** Calls `visit` with every datagram of a message. */
  template <typename Visit>
  void forEachDatagram(std::size_t index, Visit&& visit) {
    std::span<std::uint8_t> rest{dataOf(index), headers_[index].msg_len};
    const std::size_t size = segmentSize(headers_[index].msg_hdr);
    while (rest.size() > size) {
      visit(rest.first(size));
      rest = rest.subspan(size);
    }
    visit(rest);
  }

 private:
  static constexpr std::size_t largestMessage = 65535;
  /** Not a power of two: the beginnings of all messages would compete for the same few lines of the processor's cache. */
  static constexpr std::size_t stride = 65536 + 5 * 64;

  struct Slot {
    Endpoint sender;
    iovec part;
    alignas(cmsghdr) std::array<std::uint8_t, CMSG_SPACE(sizeof(int))> control;
  };

  std::uint8_t* dataOf(std::size_t index) { return &data_[index * stride]; }
  /** Size of the datagrams in a message, all but the last. */
  static std::size_t segmentSize(msghdr& message);

  std::vector<std::uint8_t> data_;
  std::vector<Slot> slots_;
  std::vector<mmsghdr> headers_;
};

}  // namespace flannel::tunnel
