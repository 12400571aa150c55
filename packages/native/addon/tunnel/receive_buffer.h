#pragma once

#include <netinet/in.h>
#include <netinet/udp.h>
#include <sys/socket.h>
#include <sys/uio.h>

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "endpoint.h"
#include "traffic_class.h"

namespace flannel::tunnel {

/** What the kernel says about a message beside its bytes. */
struct Arrival {
  /** Size of the datagrams in the message, all but the last. */
  std::size_t segmentSize;
  /** Index of the interface that it arrived on; 0 when the socket does not report it. */
  int interface = 0;
  /** The ECN field of its IP header. */
  Ecn ecn = Ecn::notEct;
};

/** Messages of a UDP socket, several per system call, each of one datagram or of several that the kernel joined. */
class ReceiveBuffer {
 public:
  /** @param capacity messages in one system call at the most. */
  explicit ReceiveBuffer(std::size_t capacity);

  /** Receives what is there, up to a limit; returns the number of messages, or -1 with errno. */
  int receive(int fd);

  const Endpoint& sender(std::size_t index) const { return slots_[index].sender; }

  Arrival arrival(std::size_t index);
  std::span<std::uint8_t> message(std::size_t index) { return {dataOf(index), headers_[index].msg_len}; }

  /** Calls `visit` with every datagram of a message. */
  template <typename Visit>
  void forEachDatagram(std::size_t index, const Arrival& arrival, Visit&& visit) {
    std::span<std::uint8_t> rest = message(index);
    const std::size_t size = arrival.segmentSize;
    while (rest.size() > size) {
      visit(rest.first(size));
      rest = rest.subspan(size);
    }
    visit(rest);
  }

 private:
  static constexpr std::size_t largestMessage = 65535;
  /** What is received in one call should stay in the processor's cache until it is delivered. */
  static constexpr std::size_t bytesPerCall = 1024 * 1024;
  /** Not a power of two: the beginnings of all messages would compete for the same few lines of the processor's cache. */
  static constexpr std::size_t stride = 65536 + 5 * 64;

  /** UDP_GRO, the traffic class, and the interface. */
  static constexpr std::size_t controlBytes = 2 * CMSG_SPACE(sizeof(int)) + CMSG_SPACE(sizeof(in6_pktinfo));

  struct Slot {
    Endpoint sender;
    iovec part;
    alignas(cmsghdr) std::array<std::uint8_t, controlBytes> control;
  };

  /** Takes many small messages in the next call, or few large ones, as the last ones were. */
  void adapt(std::span<const mmsghdr> messages);
  std::uint8_t* dataOf(std::size_t index) { return &data_[index * stride]; }

  std::vector<std::uint8_t> data_;
  std::vector<Slot> slots_;
  std::vector<mmsghdr> headers_;
  /** Messages in the next call. */
  std::size_t limit_;
};

}  // namespace flannel::tunnel
