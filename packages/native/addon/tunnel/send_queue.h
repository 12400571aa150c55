#pragma once

#include <sys/socket.h>
#include <sys/uio.h>

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "route_table.h"
#include "send_control.h"
#include "stop_signal.h"
#include "traffic_class.h"
#include "udp_socket.h"

namespace flannel::tunnel {

/** One packet in two parts: headers and payload; or a whole packet and nothing. */
struct Segment {
  std::span<const std::uint8_t> header;
  std::span<const std::uint8_t> payload;

  std::size_t size() const { return header.size() + payload.size(); }
};

/** What became of packets that were sent. */
class SendListener {
 public:
  virtual void onSent(const Route& route, std::uint32_t packets, std::uint32_t bytes) = 0;
  /** `errorNumber` is EMSGSIZE for a packet that does not fit the path. */
  virtual void onRefused(const Route& route, const Segment& packet, int errorNumber) = 0;

 protected:
  ~SendListener() = default;
};

/**
 * Packets on their way into the UDP socket. Packets of one size for one peer become one message that the kernel cuts
 * (UDP_SEGMENT, udp(7)), and all messages go in one system call. What the packets consist of must stay until {@link flush}.
 */
class SendQueue {
 public:
  /**
   * @param capacity messages in one system call.
   * @param lane whose packets they are.
   */
  SendQueue(UdpSocket& socket, const StopSignal& stop, SendListener& listener, std::size_t capacity, std::size_t lane);

  /** Room for the headers of a segment until {@link flush}; flushes before when there is none. */
  std::span<std::uint8_t> reserveHeader(std::size_t size);
  /** @param trafficClass of the outer header. */
  void add(const Route& route, const Segment& packet, std::uint8_t trafficClass = 0);
  void flush();

 private:
  /** Limits of the kernel: UDP_MAX_SEGMENTS (older kernels), and the payload of the largest IPv4 datagram. */
  static constexpr std::size_t maximumSegments = 64;
  static constexpr std::size_t maximumBytes = 65507;

  struct Message {
    const Route* route;
    std::uint32_t bytes;
    std::uint32_t segments;
    std::uint32_t segmentSize;
    std::uint32_t lastSize;
    std::array<iovec, 2 * maximumSegments> parts;
    std::size_t partCount;
    std::uint8_t trafficClass;
    SendControl control;
  };

  Message* findOpen(const Route& route, std::size_t size, std::uint8_t trafficClass);
  msghdr describe(Message& message);
  void sendSeparately(const Message& message, int errorNumber);
  void report(const Message& message, int errorNumber);

  UdpSocket& socket_;
  const StopSignal& stop_;
  SendListener& listener_;
  const std::size_t lane_;
  std::vector<Message> messages_;
  std::size_t size_ = 0;
  std::vector<mmsghdr> headers_;
  std::vector<std::uint8_t> arena_;
  std::size_t arenaUsed_ = 0;
};

}  // namespace flannel::tunnel
